// SPDX-License-Identifier: MIT
/* Building header lines. The rules that nothing can lift (the client's header wins, names that are
 * never set, bounds) are applied here, after templates and presets, so that no configuration gets
 * round them. */
#include "core/request.h"

#include "core/context.h"
#include "core/header.h"
#include "lib/buf.h"

struct builder {
	const struct lines_recipe *recipe;
	struct tag_lines *lines;
	struct buf buf; /* the lines */
};

/* What became of a header: with a value it is sent, else `reason` says why not. */
static void report(const struct builder *builder, struct text name, struct text value,
		   const char *reason)
{
	const struct tag_observer *observer = builder->recipe->observer;

	if (observer && observer->header)
		observer->header(observer->arg, name, value, reason);
}

static bool client_sets(const struct builder *builder, struct text name)
{
	const struct lines_recipe *recipe = builder->recipe;

	header_filter_add(&builder->lines->asked, name);
	return recipe->client_sets && recipe->client_sets(recipe->client_arg, name);
}

/* Why a header of this name, which is fit for one, cannot be added now; or NULL. */
static const char *name_obstacle(const struct builder *builder, struct text name)
{
	const struct tag_lines *lines = builder->lines;

	if (!builder->recipe->replace && client_sets(builder, name))
		return "the client sets it itself";
	for (size_t i = 0; i < lines->count; i++) {
		if (text_eq_nocase(tag_line_name(lines, i), name))
			return "it is already there";
	}
	return lines->count == builder->recipe->max ? "no more headers may be added" : NULL;
}

/* "Name: "; the value is to be appended. Returns where the line starts. */
static size_t start_line(struct builder *builder, struct text name)
{
	size_t start = builder->buf.len;

	buf_add(&builder->buf, name);
	buf_add(&builder->buf, TEXT(": "));
	return start;
}

/* Ends the line that was written since `start`. With a reason, or without space, it is taken
 * back. */
static void end_line(struct builder *builder, size_t start, struct text name, const char *reason)
{
	struct tag_line *line = &builder->lines->line[builder->lines->count];
	struct text text = buf_since(&builder->buf, start);

	if (!reason) {
		buf_char(&builder->buf, '\0');
		if (builder->buf.full)
			reason = "the added headers would be too large together";
	}
	if (reason) {
		buf_cut(&builder->buf, start);
		report(builder, name, TEXT(""), reason);
		return;
	}
	line->at = (uint16_t)start;
	line->name_len = (uint16_t)name.len;
	line->len = (uint16_t)text.len;
	/* Where nothing is replaced, the client does not set it (name_obstacle). */
	line->replaces = builder->recipe->replace && client_sets(builder, name);
	builder->lines->replaces |= line->replaces;
	builder->lines->count++;
	builder->lines->bytes = builder->buf.len;
	report(builder, (struct text){ text.ptr, name.len }, text_from(text, name.len + 2), NULL);
}

static void build_header(struct builder *builder, const struct header_rule *rows, size_t count)
{
	const struct lines_recipe *recipe = builder->recipe;
	const struct tag_observer *observer = recipe->observer;
	struct text name = rows[0].name;
	const char *reason = name_obstacle(builder, name);
	size_t start, lines = builder->lines->count;
	unsigned dropped = 0;

	if (reason) {
		report(builder, name, TEXT(""), reason);
		return;
	}
	start = start_line(builder, name);
	switch (header_rule_value(&builder->buf, rows, count, recipe->lookup, recipe->lookup_arg,
				  &dropped, &reason)) {
	case HEADER_SENT:
		reason = NULL;
		break;
	case HEADER_NO_VALUE:
		reason = "it has no value";
		break;
	case HEADER_BAD_VALUE:
		break;
	}
	end_line(builder, start, name, reason);
	if (builder->lines->count > lines && dropped && observer && observer->dropped)
		observer->dropped(observer->arg, name, dropped);
}

/* One header for each tag: the tag's key in place of the "*". */
static void build_fanout(struct builder *builder, const struct header_rule *rule)
{
	struct text rest, key, value;
	size_t limit = rule->max_value ? rule->max_value : VALUE_BYTES_MAX;

	if (template_value(rule->value, builder->recipe->lookup, builder->recipe->lookup_arg,
			   &rest))
		return;
	for (unsigned count = 0; count < TAGS_MAX && tags_next(&rest, &key, &value); count++) {
		char memory[NAME_BYTES_MAX + 1];
		enum header_error error;
		const char *reason;
		struct text name;
		struct buf buf;
		size_t start;

		buf_init(&buf, memory, sizeof(memory));
		buf_add(&buf, (struct text){ rule->name.ptr, rule->name.len - 1 });
		buf_add(&buf, key);
		name = buf_since(&buf, 0);
		/* Other names were checked when they were read. */
		if (buf.full)
			reason = "its name is too long";
		else if (!header_name_ok(name))
			reason = "its name is not a valid header name";
		else if (header_name_forbidden(name))
			reason = "this header may not be set";
		else
			reason = name_obstacle(builder, name);
		if (reason) {
			report(builder, name, TEXT(""), reason);
			continue;
		}
		start = start_line(builder, name);
		error = header_value_add(&builder->buf, value, limit);
		end_line(builder, start, name, error ? header_error_text(error) : NULL);
	}
}

/* Whether the configuration's own headers have this one, if only to leave it out. */
static bool is_overridden(const struct lines_recipe *recipe, struct text name)
{
	for (size_t i = 0; i < recipe->own_count; i++) {
		if (recipe->own[i].kind != HEADER_MEMBER &&
		    text_eq_nocase(recipe->own[i].name, name))
			return true;
	}
	return false;
}

static void build_lines(struct builder *builder, const struct header_rule *rows, size_t count)
{
	const struct lines_recipe *recipe = builder->recipe;
	size_t taken;

	for (size_t i = 0; i < count; i += taken) {
		taken = header_rule_rows(rows + i, count - i);
		if (rows[i].kind == HEADER_OMIT)
			continue;
		if (rows != recipe->own && is_overridden(recipe, rows[i].name))
			report(builder, rows[i].name, TEXT(""),
			       "the configuration has it otherwise");
		else if (rows[i].kind == HEADER_FANOUT)
			build_fanout(builder, &rows[i]);
		else
			build_header(builder, rows + i, taken);
	}
}

void lines_build(const struct lines_recipe *recipe, char *memory, struct tag_lines *ret_lines)
{
	struct builder builder = { .recipe = recipe, .lines = ret_lines };

	ret_lines->count = ret_lines->bytes = 0;
	ret_lines->text = memory;
	ret_lines->asked = (struct header_filter){ 0 };
	ret_lines->log_entry = NULL;
	ret_lines->replaces = false;
	buf_init(&builder.buf, memory, LINES_BYTES_MAX + 1);
	build_lines(&builder, recipe->own, recipe->own_count);
	build_lines(&builder, recipe->preset, recipe->preset_count);
}
