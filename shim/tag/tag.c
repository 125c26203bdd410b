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
	case TAG_BAD_CONFIG:
		return "the configuration is bad";
	case TAG_NO_PRESET:
		return "there is no preset of that name";
	case TAG_REFUSED:
		return "a field that the configuration requires has no value";
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

/* The one that is in force, if a URL of this text can be one of its requests; else NULL. That most
 * cannot is found out without asking the file system. */
static const struct config_snapshot *snapshot_for(const char *url)
{
	const struct config_snapshot *snapshot = config_take(false);
	bool possible = snapshot->standing == CONFIG_BAD ||
			rule_path_possible(snapshot->config, url);

	config_drop(snapshot);
	return possible ? config_take(true) : NULL;
}

static enum tag_verdict decide(const struct tag_request *request, const struct config *config,
			       struct rule *ret_rule)
{
	enum rule_verdict verdict;
	struct url url;
	int result;

	if (!rule_path_possible(config, request->url))
		return TAG_NO_ENDPOINT;
	result = url_take_apart(request->api, request->url, &url);
	if (result)
		return result == -ENOMEM ? TAG_NO_MEMORY : TAG_BAD_URL;
	verdict = rule_for(config, &url, ret_rule);
	url_release(request->api, &url);
	return verdict_of(verdict);
}

enum tag_verdict tag_decide(const struct tag_request *request, struct tag_match *ret_match)
{
	const struct config_snapshot *snapshot;
	enum tag_verdict verdict;

	if (!rule_method_ok(request->method))
		return TAG_NOT_POST;
	snapshot = snapshot_for(request->url);
	if (!snapshot)
		return TAG_NO_ENDPOINT;
	verdict = snapshot->standing == CONFIG_BAD ?
			  TAG_BAD_CONFIG :
			  decide(request, snapshot->config, &ret_match->rule);
	if (verdict == TAG_MATCH || verdict == TAG_BAD_CONFIG)
		ret_match->snapshot = snapshot;
	else
		config_drop(snapshot);
	return verdict;
}

void tag_match_release(struct tag_match *match)
{
	config_drop(match->snapshot);
}

/* One request's workspace, on the heap: a host's stack may be small. */
struct builder {
	const struct tag_request *request;
	const struct config_rule *configured; /* or NULL */
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

static bool client_sets(const struct builder *builder, struct text name)
{
	const struct tag_request *request = builder->request;

	return request->client_sets && request->client_sets(request->arg, name);
}

static size_t lines_max(const struct builder *builder)
{
	return builder->configured ? builder->configured->max_headers : LINES_MAX;
}

/* Why a header of this name, which is fit for one, cannot be added now; or NULL. */
static const char *name_obstacle(const struct builder *builder, struct text name)
{
	bool replace = builder->configured && builder->configured->replace;

	if (!replace && client_sets(builder, name))
		return "the client sets it itself";
	if (already_built(builder, name))
		return "it is already there";
	if (builder->lines->count == lines_max(builder))
		return "no more headers may be added";
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
	line->replaces = client_sets(builder, line->name);
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

/* Whether the configuration's own headers have this one, if only to leave it out. */
static bool is_overridden(const struct builder *builder, struct text name)
{
	const struct config_rule *configured = builder->configured;

	for (size_t i = 0; configured && i < configured->specs_count; i++) {
		if (configured->specs[i].kind != SPEC_MEMBER &&
		    text_eq_nocase(configured->specs[i].name, name))
			return true;
	}
	return false;
}

static void build_lines(struct builder *builder, const struct spec *specs, size_t count, bool own)
{
	size_t rows;

	for (size_t i = 0; i < count; i += rows) {
		rows = spec_rows(specs + i, count - i);
		if (specs[i].kind == SPEC_OMIT)
			continue;
		if (!own && is_overridden(builder, specs[i].name))
			tell(builder, specs[i].name, (struct text){ NULL, 0 },
			     "the configuration has it otherwise");
		else if (specs[i].kind == SPEC_FANOUT)
			build_fanout(builder, &specs[i]);
		else
			build_header(builder, specs + i, rows);
	}
}

static void build_all(struct builder *builder)
{
	if (builder->configured)
		build_lines(builder, builder->configured->specs, builder->configured->specs_count,
			    true);
	build_lines(builder, builder->preset.specs, builder->preset.count, false);
}

/* Whether every field that the rule requires has a value. */
static bool has_required(struct builder *builder)
{
	const struct tag_observer *observer = builder->request->observer;
	uint32_t required = builder->configured ? builder->configured->require : 0;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!(required & (uint32_t)1 << field) ||
		    values_has(&builder->values, field))
			continue;
		if (observer && observer->missing)
			observer->missing(observer->arg, field_name(field));
		return false;
	}
	return true;
}

/* For a request that matched. */
static enum tag_verdict build(const struct tag_request *request, const struct tag_match *match,
			      struct builder *builder, struct tag_lines *lines)
{
	const struct config *config = match->snapshot->config;
	enum tag_verdict verdict = TAG_MATCH;

	if (preset_find(match->rule.preset, &builder->preset))
		return TAG_NO_PRESET;
	builder->request = request;
	builder->configured = match->rule.configured;
	builder->lines = lines;
	lines->count = 0;
	buf_init(&builder->buf, lines->memory, sizeof(lines->memory));
	values_collect(request, config, builder->configured, &builder->values);
	if (has_required(builder))
		build_all(builder);
	else
		verdict = TAG_REFUSED;
	values_release(&builder->values);
	return verdict;
}

enum tag_verdict tag_build(const struct tag_request *request, struct tag_lines **ret_lines)
{
	struct tag_lines *lines = NULL;
	struct builder *builder = NULL;
	enum tag_verdict verdict;
	struct tag_match match;

	verdict = tag_decide(request, &match);
	if (verdict == TAG_BAD_CONFIG) {
		if (request->observer && request->observer->config)
			request->observer->config(request->observer->arg, match.snapshot);
		tag_match_release(&match);
	}
	if (verdict != TAG_MATCH)
		return verdict;
	builder = malloc(sizeof(*builder));
	lines = malloc(sizeof(*lines));
	verdict = builder && lines ? build(request, &match, builder, lines) : TAG_NO_MEMORY;
	if (verdict == TAG_MATCH) {
		*ret_lines = lines->count ? lines : NULL;
		if (lines->count)
			lines = NULL;
	}
	tag_match_release(&match);
	free(lines);
	free(builder);
	return verdict;
}
