// SPDX-License-Identifier: MIT
/* Context fields and their merging, field by field, the nearest source first. Pure. */
#include "core/context.h"

struct field_row {
	char name[20];
	char variable[28];
	unsigned char name_len, variable_len;
};

/* Text inside the rows, not pointers: nothing to relocate when a process starts. */
static const struct field_row rows[FIELD_COUNT] = {
#define ROW(constant, name, variable, ...) \
	{ #name, #variable, sizeof(#name) - 1, sizeof(#variable) - 1 },
	FIELDS(ROW)
};

const char *field_name(enum field field)
{
	return rows[field].name;
}

const char *field_variable(enum field field)
{
	return rows[field].variable;
}

enum field field_by_name(struct text name)
{
	enum field field = 0;

	/* Most are out by their length or their first letter. */
	while (field < FIELD_COUNT &&
	       (rows[field].name_len != name.len || rows[field].name[0] != name.ptr[0] ||
		memcmp(rows[field].name, name.ptr, name.len)))
		field++;
	return field;
}

enum field field_by_variable(struct text variable)
{
	enum field field = 0;

	while (field < FIELD_COUNT &&
	       !text_eq(variable, (struct text){ rows[field].variable, rows[field].variable_len }))
		field++;
	return field;
}

const char *origin_name(enum origin origin)
{
	switch (origin) {
	case ORIGIN_ENVIRONMENT:
		return "environment";
	case ORIGIN_SERVICE:
		return "service";
	case ORIGIN_ADOPTED:
		return "adopted";
	case ORIGIN_SIGNAL:
		return "client";
	case ORIGIN_DERIVED:
		return "derived";
	case ORIGIN_NONE:
		break;
	}
	return "none";
}

void context_init(struct context *context)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		context->value[field] = (struct text){ NULL, 0 };
		context->origin[field] = ORIGIN_NONE;
		context->detail[field] = "";
	}
}

void context_offer(struct context *context, enum field field, struct text value, enum origin origin,
		   const char *detail)
{
	if (!value.len || context->origin[field] <= origin)
		return;
	context->value[field] = value;
	context->origin[field] = origin;
	context->detail[field] = detail;
}

bool tags_next(struct text *rest, struct text *ret_key, struct text *ret_value)
{
	struct text part;

	while (text_next(rest, ',', &part)) {
		ptrdiff_t equals = text_find(part, '=');
		struct text key, value;

		if (equals < 0)
			continue;
		key = text_trim((struct text){ part.ptr, (size_t)equals });
		value = text_trim(text_from(part, (size_t)equals + 1));
		if (!key.len || !value.len)
			continue;
		*ret_key = key;
		*ret_value = value;
		return true;
	}
	return false;
}
