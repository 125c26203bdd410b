// SPDX-License-Identifier: MIT
/*
 * Deciding about one request and writing its header lines. The rules that nothing can lift (the
 * client's header wins, names that are never set, bounds) are applied here, after templates and
 * presets, so that no configuration gets round them.
 */
#include "tag/tag.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "headers/header.h"
#include "headers/preset.h"
#include "tag/values.h"

const char *tag_verdict_reason(enum tag_verdict verdict)
{
	switch (verdict) {
	case TAG_MATCH:
		return rule_verdict_reason(RULE_MATCH);
	case TAG_NOT_POST:
		return rule_verdict_reason(RULE_NOT_POST);
	case TAG_NO_RELAY:
		return rule_verdict_reason(RULE_NO_RELAY);
	case TAG_NO_ENDPOINT:
		return rule_verdict_reason(RULE_NO_ENDPOINT);
	case TAG_BAD_URL:
		return "libcurl refuses the URL";
	case TAG_NO_PRESET:
		return "there is no preset of that name";
	case TAG_NO_MEMORY:
		return "out of memory";
	}
	return "";
}

static enum tag_verdict verdict_of(enum rule_verdict verdict)
{
	switch (verdict) {
	case RULE_MATCH:
		return TAG_MATCH;
	case RULE_NOT_POST:
		return TAG_NOT_POST;
	case RULE_NO_RELAY:
		return TAG_NO_RELAY;
	case RULE_NO_ENDPOINT:
		break;
	}
	return TAG_NO_ENDPOINT;
}

enum tag_verdict tag_decide(const struct tag_request *request, struct tag_match *ret_match)
{
	enum rule_verdict verdict;
	struct url url;
	int result;

	if (!rule_method_ok(request->method))
		return TAG_NOT_POST;
	rule_from_environment(&ret_match->rule);
	if (!rule_path_possible(&ret_match->rule, request->url))
		return TAG_NO_ENDPOINT;
	result = url_take_apart(request->api, request->url, &url);
	if (result)
		return result == -ENOMEM ? TAG_NO_MEMORY : TAG_BAD_URL;
	verdict = rule_match(&ret_match->rule, &url, &ret_match->pattern);
	url_release(request->api, &url);
	return verdict_of(verdict);
}

/* One request's workspace, on the heap: a host's stack may be small. */
struct builder {
	const struct tag_request *request;
	struct preset preset;
	struct values values;
	struct tag_lines *lines;
	struct buf buf; /* over lines->memory */
};

static void tell(const struct builder *builder, struct text name, struct text value,
		 const char *reason)
{
	const struct tag_observer *observer = builder->request->observer;

	if (observer && observer->header)
		observer->header(observer->arg, name, value, reason);
}

static bool already_built(const struct builder *builder, struct text name)
{
	for (size_t i = 0; i < builder->lines->count; i++) {
		if (text_eq_nocase(builder->lines->line[i].name, name))
			return true;
	}
	return false;
}

/* Why a header of this name, which is fit for one, cannot be added now; or NULL. */
static const char *name_obstacle(const struct builder *builder, struct text name)
{
	const struct tag_request *request = builder->request;

	if (request->client_sets && request->client_sets(request->arg, name))
		return "the client sets it itself";
	if (already_built(builder, name))
		return "it is already there";
	if (builder->lines->count == LINES_MAX)
		return "ten headers are the most that are added";
	return NULL;
}

/* Closes the line that was written since `start`: name, ": ", value. */
static void finish_line(struct builder *builder, size_t start, size_t name_len)
{
	struct tag_line *line = &builder->lines->line[builder->lines->count];
	struct text text = buf_since(&builder->buf, start);
	struct text value = text_from(text, name_len + 2);

	line->name = (struct text){ text.ptr, name_len };
	line->line = text;
	buf_char(&builder->buf, '\0');
	if (builder->buf.full) {
		tell(builder, line->name, (struct text){ NULL, 0 },
		     "the added headers would be too large together");
		buf_cut(&builder->buf, start);
		return;
	}
	builder->lines->count++;
	tell(builder, line->name, value, NULL);
}

static size_t start_line(struct builder *builder, struct text name)
{
	size_t start = builder->buf.len;

	buf_add(&builder->buf, name);
	buf_add(&builder->buf, TEXT(": "));
	return start;
}

static void build_header(struct builder *builder, const struct spec *specs, size_t rows)
{
	struct text name = specs[0].name;
	const char *obstacle = name_obstacle(builder, name);
	const char *reason = NULL;
	unsigned dropped = 0;
	size_t start;

	if (obstacle) {
		tell(builder, name, (struct text){ NULL, 0 }, obstacle);
		return;
	}
	start = start_line(builder, name);
	switch (spec_value_add(&builder->buf, specs, rows, values_lookup, &builder->values,
			       &dropped, &reason)) {
	case SPEC_SENT:
		finish_line(builder, start, name.len);
		return;
	case SPEC_NO_VALUE:
		reason = "it has no value";
		break;
	case SPEC_BAD_VALUE:
		break;
	}
	buf_cut(&builder->buf, start);
	tell(builder, name, (struct text){ NULL, 0 }, reason);
}

/* A name that was made from a tag is checked here; those of specs were when they were read. */
static const char *made_name_obstacle(const struct builder *builder, const struct buf *name)
{
	if (name->full)
		return "its name is too long";
	if (!header_name_ok(buf_since(name, 0)))
		return "its name is not fit for a header";
	if (header_name_forbidden(buf_since(name, 0)))
		return "that header is never set";
	return name_obstacle(builder, buf_since(name, 0));
}

/* One header a tag: the tag's key in place of the "*". */
static void build_fanout(struct builder *builder, const struct spec *spec)
{
	struct text prefix = { spec->name.ptr, spec->name.len - 1 };
	struct text rest, key, value;
	size_t limit = spec->max_value ? spec->max_value : VALUE_BYTES_MAX;

	if (template_value(spec->value, values_lookup, &builder->values, &rest))
		return;
	for (unsigned count = 0; count < TAGS_MAX && tags_next(&rest, &key, &value); count++) {
		char memory[NAME_BYTES_MAX + 1];
		const char *obstacle;
		enum header_fault fault;
		struct buf name;
		size_t start;

		buf_init(&name, memory, sizeof(memory));
		buf_add(&name, prefix);
		buf_add(&name, key);
		obstacle = made_name_obstacle(builder, &name);
		if (obstacle) {
			tell(builder, buf_since(&name, 0), (struct text){ NULL, 0 }, obstacle);
			continue;
		}
		start = start_line(builder, buf_since(&name, 0));
		fault = header_value_add(&builder->buf, value, limit);
		if (fault == HEADER_OK) {
			finish_line(builder, start, name.len);
			continue;
		}
		buf_cut(&builder->buf, start);
		tell(builder, buf_since(&name, 0), (struct text){ NULL, 0 },
		     header_fault_reason(fault));
	}
}

static void build_lines(struct builder *builder)
{
	const struct preset *preset = &builder->preset;
	size_t rows;

	for (size_t i = 0; i < preset->count; i += rows) {
		rows = spec_rows(preset->specs + i, preset->count - i);
		if (preset->specs[i].kind == SPEC_FANOUT)
			build_fanout(builder, &preset->specs[i]);
		else
			build_header(builder, preset->specs + i, rows);
	}
}

enum tag_verdict tag_build(const struct tag_request *request, struct tag_lines **ret_lines)
{
	struct tag_lines *lines = NULL;
	struct builder *builder;
	enum tag_verdict verdict;
	struct tag_match match;

	verdict = tag_decide(request, &match);
	if (verdict != TAG_MATCH)
		return verdict;
	builder = malloc(sizeof(*builder));
	lines = malloc(sizeof(*lines));
	if (!builder || !lines) {
		verdict = TAG_NO_MEMORY;
		goto out;
	}
	if (preset_find(match.rule.preset, &builder->preset)) {
		verdict = TAG_NO_PRESET;
		goto out;
	}
	builder->request = request;
	builder->lines = lines;
	lines->count = 0;
	buf_init(&builder->buf, lines->memory, sizeof(lines->memory));
	values_collect(request, &builder->values);
	build_lines(builder);
	values_release(&builder->values);
	if (lines->count) {
		*ret_lines = lines;
		lines = NULL;
	} else {
		*ret_lines = NULL;
	}
out:
	free(lines);
	free(builder);
	return verdict;
}
