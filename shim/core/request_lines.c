// SPDX-License-Identifier: MIT
/*
 * Writing header lines. The rules that nothing can lift (the client's header wins, names that are
 * never set, bounds) are applied here, after templates and presets, so that no configuration gets
 * round them.
 */
#include "core/request_lines.h"

#include "lib/buf.h"
#include "core/context.h"
#include "core/header.h"

struct builder {
	const struct lines_recipe *recipe;
	struct tag_lines *lines;
	struct buf buf; /* over lines->memory */
};

static void tell(const struct builder *builder, struct text name, struct text value,
		 const char *reason)
{
	const struct tag_observer *observer = builder->recipe->observer;

	if (observer && observer->header)
		observer->header(observer->arg, name, value, reason);
}

static void tell_dropped(const struct builder *builder, struct text name, unsigned count)
{
	const struct tag_observer *observer = builder->recipe->observer;

	if (count && observer && observer->dropped)
		observer->dropped(observer->arg, name, count);
}

static bool already_built(const struct builder *builder, struct text name)
{
	for (size_t i = 0; i < builder->lines->count; i++) {
		struct text built = builder->lines->line[i].name;

		if (built.len == name.len && text_eq_nocase(built, name))
			return true;
	}
	return false;
}

static bool client_sets(const struct builder *builder, struct text name)
{
	const struct lines_recipe *recipe = builder->recipe;

	return recipe->client_sets && recipe->client_sets(recipe->client_arg, name);
}

/* Why a header of this name, which is fit for one, cannot be added now; or NULL. */
static const char *name_obstacle(const struct builder *builder, struct text name)
{
	if (!builder->recipe->replace && client_sets(builder, name))
		return "the client sets it itself";
	if (already_built(builder, name))
		return "it is already there";
	if (builder->lines->count == builder->recipe->max)
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
	/* Where nothing is replaced, the client does not set it (name_obstacle). */
	line->replaces = builder->recipe->replace && client_sets(builder, line->name);
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
	switch (spec_value_add(&builder->buf, specs, rows, builder->recipe->lookup,
			       builder->recipe->lookup_arg, &dropped, &reason)) {
	case SPEC_SENT:
		finish_line(builder, start, name.len);
		tell_dropped(builder, name, dropped);
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

	if (template_value(spec->value, builder->recipe->lookup, builder->recipe->lookup_arg, &rest))
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
	const struct lines_recipe *recipe = builder->recipe;

	for (size_t i = 0; i < recipe->own_count; i++) {
		if (recipe->own[i].kind != SPEC_MEMBER && text_eq_nocase(recipe->own[i].name, name))
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

void lines_build(const struct lines_recipe *recipe, struct tag_lines *ret_lines)
{
	struct builder builder = { .recipe = recipe, .lines = ret_lines };

	ret_lines->count = 0;
	ret_lines->record = NULL;
	buf_init(&builder.buf, ret_lines->memory, sizeof(ret_lines->memory));
	build_lines(&builder, recipe->own, recipe->own_count, true);
	build_lines(&builder, recipe->preset, recipe->preset_count, false);
}
