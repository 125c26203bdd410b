// SPDX-License-Identifier: MIT
/* Reading headers: every name and template is checked here, once, so that nothing that is not fit
 * to send gets as far as a request. */
#include "core/config_header_read.h"

#include "lib/limits.h"
#include "core/context.h"
#include "lib/chars.h"
#include "core/header.h"

#define FORMATS "json baggage list"
#define KEYS "$template $format $max_members $max_value $require_all"

/* What one header's object says. */
struct composed {
	size_t row; /* of the header; its members are the rows behind it */
	enum spec_kind kind;
	bool has_template, has_settings;
	struct text tmpl;
};

bool name_is_variable(struct text name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
			return false;
	}
	return name.len && !ascii_is_digit(name.ptr[0]);
}

bool placeholder_known(void *arg, struct text name)
{
	static const char computed[][12] = { "request_id", "host", "pid", "comm" };

	if (field_by_name(name) < FIELD_COUNT)
		return true;
	for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++) {
		if (text_eq(name, text_of(computed[i])))
			return true;
	}
	if (text_starts_with(name, TEXT("env:")))
		return name_is_variable(text_from(name, 4));
	return text_starts_with(name, TEXT("body:/"));
}

static bool any_value(void *arg, struct text name, struct text *ret_value)
{
	*ret_value = TEXT("x");
	return true;
}

static void check_template(const struct json *json, struct faults *faults, struct text tmpl, bool list)
{
	struct template_error error;
	struct text value;

	if (template_check(tmpl, placeholder_known, NULL, &error))
		fault_tell(faults, fault_place(json, tmpl) + 1 + error.offset, error.reason, tmpl,
			   NULL);
	else if (list && template_value(tmpl, any_value, NULL, &value))
		fault_tell(faults, fault_place(json, tmpl),
			   "a \"*\" needs a template that is one placeholder", tmpl, NULL);
}

static struct spec *new_row(struct json *json, struct spec_table *table, struct text name)
{
	struct spec *spec = &table->specs[table->count];

	if (table->count == table->size) {
		table->full = true;
		return NULL;
	}
	*spec = (struct spec){ .kind = SPEC_TEXT, .name = name };
	table->where[table->count++] = fault_place(json, name);
	return spec;
}

/* The order of headers and of members has a meaning, so a name that is there twice has two. */
static void check_unique(struct json *json, struct faults *faults, const struct spec_table *table,
			 size_t from, struct text name, bool members)
{
	for (size_t i = from; i < table->count; i++) {
		if ((table->specs[i].kind == SPEC_MEMBER) == members &&
		    text_eq_nocase(table->specs[i].name, name)) {
			fault_tell(faults, fault_place(json, name), "it is there twice", name, NULL);
			return;
		}
	}
}

static uint16_t read_number(struct json *json, struct faults *faults, uint64_t max, struct text key)
{
	uint64_t number = 0;
	size_t place;

	json_peek(json);
	place = json_where(json);
	if (json_peek(json) != JSON_NUMBER) {
		json_skip(json, NULL);
		fault_tell(faults, place, "a number is wanted here", key, NULL);
		return 0;
	}
	if (json_number(json, UINT32_MAX, &number) && (!number || number > max))
		fault_tell(faults, place, "the number is out of range", key, NULL);
	return number <= max ? (uint16_t)number : 0;
}

/* A string, or a fault and an empty text. */
static struct text read_string(struct json *json, struct faults *faults, struct text key)
{
	struct text value = { NULL, 0 };
	size_t place;

	json_peek(json);
	place = json_where(json);
	if (json_peek(json) == JSON_STRING) {
		json_string(json, &value);
		return value;
	}
	json_skip(json, NULL);
	fault_tell(faults, place, "a text is wanted here", key, NULL);
	return (struct text){ NULL, 0 };
}

static void read_format(struct json *json, struct faults *faults, struct composed *composed)
{
	struct text format = read_string(json, faults, TEXT("$format"));

	if (text_eq(format, TEXT("json")))
		composed->kind = SPEC_JSON;
	else if (text_eq(format, TEXT("baggage")))
		composed->kind = SPEC_BAGGAGE;
	else if (text_eq(format, TEXT("list")))
		composed->kind = SPEC_LIST;
	else if (format.ptr)
		fault_tell(faults, fault_place(json, format), "there is no such format", format,
			   FORMATS);
}

static void read_require_all(struct json *json, struct faults *faults, struct spec *spec)
{
	size_t place;

	json_peek(json);
	place = json_where(json);
	if (json_peek(json) == JSON_BOOLEAN) {
		json_boolean(json, &spec->require_all);
		return;
	}
	json_skip(json, NULL);
	fault_tell(faults, place, "true or false is wanted here", TEXT("$require_all"), NULL);
}

static void read_member(struct json *json, struct faults *faults, struct spec_table *table,
			const struct composed *composed, struct text key)
{
	struct text value;
	struct spec *spec;

	check_unique(json, faults, table, composed->row, key, true);
	spec = new_row(json, table, key);
	value = read_string(json, faults, key);
	if (!spec)
		return;
	spec->kind = SPEC_MEMBER;
	spec->value = value;
	if (value.ptr)
		check_template(json, faults, value, text_eq(key, TEXT("*")));
}

static void read_setting(struct json *json, struct faults *faults, struct spec_table *table,
			 struct composed *composed, struct text key)
{
	struct spec *spec = &table->specs[composed->row];

	if (text_eq(key, TEXT("$template"))) {
		composed->has_template = true;
		composed->tmpl = read_string(json, faults, key);
		return;
	}
	if (text_eq(key, TEXT("$max_value"))) {
		spec->max_value = read_number(json, faults, VALUE_BYTES_MAX, key);
		return;
	}
	composed->has_settings = true;
	if (text_eq(key, TEXT("$format"))) {
		read_format(json, faults, composed);
	} else if (text_eq(key, TEXT("$max_members"))) {
		spec->max_members = read_number(json, faults, TAGS_MAX, key);
	} else if (text_eq(key, TEXT("$require_all"))) {
		read_require_all(json, faults, spec);
	} else if (json_skip(json, NULL)) {
		fault_tell(faults, fault_place(json, key), "there is no such key", key, KEYS);
	}
}

/* Keys of baggage and lists are tokens; whether they have to be is known at the end. */
static void check_members(struct json *json, struct faults *faults, const struct spec_table *table,
			  const struct composed *composed)
{
	size_t place = table->where[composed->row];
	struct text name = table->specs[composed->row].name;

	if (composed->row + 1 == table->count)
		fault_tell(faults, place, "there are no members", name, NULL);
	for (size_t i = composed->row + 1; i < table->count; i++) {
		struct text key = table->specs[i].name;

		if (!key.len || (composed->kind != SPEC_JSON && !chars_are_token(key)))
			fault_tell(faults, table->where[i], "that cannot be a key", key, NULL);
	}
}

static void read_object(struct json *json, struct faults *faults, struct spec_table *table,
			struct spec *spec)
{
	struct composed composed = { .row = table->count - 1, .kind = SPEC_JSON };
	bool fanout = spec->kind == SPEC_FANOUT;
	struct text key;

	json_object(json);
	while (json_member(json, &key)) {
		if (key.len && key.ptr[0] == '$')
			read_setting(json, faults, table, &composed, key);
		else
			read_member(json, faults, table, &composed, key);
	}
	if (json->fault)
		return;
	if (!composed.has_template) {
		spec->kind = composed.kind;
		check_members(json, faults, table, &composed);
		if (fanout)
			fault_tell(faults, table->where[composed.row],
				   "a name with \"*\" takes one template", spec->name, NULL);
		return;
	}
	spec->value = composed.tmpl;
	if (composed.tmpl.ptr)
		check_template(json, faults, composed.tmpl, fanout);
	if (composed.has_settings || composed.row + 1 != table->count)
		fault_tell(faults, table->where[composed.row],
			   "beside \"$template\" there is only \"$max_value\"", spec->name, NULL);
}

static void check_name(struct json *json, struct faults *faults, struct text name, bool fanout)
{
	ptrdiff_t star = text_find(name, '*');

	if (!header_name_ok(name) || (fanout && (size_t)star + 1 != name.len))
		fault_tell(faults, fault_place(json, name), "the name is not fit for a header", name,
			   NULL);
	else if (header_name_forbidden(name))
		fault_tell(faults, fault_place(json, name), "that header is never set", name, NULL);
}

static void read_header(struct json *json, struct faults *faults, struct spec_table *table,
			size_t first, struct text name)
{
	bool fanout = text_find(name, '*') >= 0;
	enum json_type type;
	struct spec *spec;

	check_name(json, faults, name, fanout);
	check_unique(json, faults, table, first, name, false);
	spec = new_row(json, table, name);
	if (!spec) {
		json_skip(json, NULL);
		return;
	}
	spec->kind = fanout ? SPEC_FANOUT : SPEC_TEXT;
	type = json_peek(json);
	if (type == JSON_OBJECT) {
		read_object(json, faults, table, spec);
	} else if (type == JSON_NULL) {
		spec->kind = SPEC_OMIT;
		json_skip(json, NULL);
	} else {
		spec->value = read_string(json, faults, name);
		if (spec->value.ptr)
			check_template(json, faults, spec->value, fanout);
	}
}

void headers_read(struct json *json, struct faults *faults, struct spec_table *table)
{
	size_t first = table->count;
	struct text name;

	for (json_object(json); json_member(json, &name);)
		read_header(json, faults, table, first, name);
}
