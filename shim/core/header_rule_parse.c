// SPDX-License-Identifier: MIT
/* Reading headers: every name and template is checked here, once, so that nothing that is not fit
 * to send gets as far as a request. */
#include "core/header_rule.h"

#include "core/computed.def"
#include "core/context.h"
#include "core/header.h"
#include "lib/chars.h"
#include "lib/limits.h"

bool name_is_variable(struct text name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
			return false;
	}
	return name.len && !ascii_is_digit(name.ptr[0]);
}

bool placeholder_exists(void *arg, struct text name)
{
#define COMPUTED_NAME(name, detail, value) #name,
	static const char computed[][12] = { COMPUTED(COMPUTED_NAME) };

	if (field_by_name(name) < FIELD_COUNT)
		return true;
	for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++) {
		if (text_eq(name, text_of(computed[i])))
			return true;
	}
	if (text_starts_with(name, TEXT("env:")))
		return name_is_variable(text_from(name, 4));
	if (text_starts_with(name, TEXT("header:")))
		return chars_are_token(text_from(name, 7)) &&
		       !header_name_secret(text_from(name, 7));
	return text_starts_with(name, TEXT("body:/"));
}

static bool any_value(void *arg, struct text name, struct text *ret_value)
{
	*ret_value = TEXT("x");
	return true;
}

static void check_template(struct config_reader *reader, struct text tmpl, bool is_list)
{
	struct template_error error;
	struct text value;

	if (template_check(tmpl, placeholder_exists, NULL, &error))
		config_report(reader, config_offset_of(reader, tmpl) + 1 + error.offset,
			      error.reason, tmpl, NULL);
	else if (is_list && template_value(tmpl, any_value, NULL, &value))
		config_report_word(reader, "a \"*\" needs a template that is one placeholder", tmpl,
				   NULL);
}

/* A new row behind the others; NULL when the table is full. The order of headers and of members has
 * a meaning, so a name that is there twice since row `first` is reported. */
static struct header_rule *add_row(struct config_reader *reader, struct header_table *table,
				   size_t first, struct text name, enum header_kind kind)
{
	struct header_rule *row = &table->rows[table->count];

	for (size_t i = first; i < table->count; i++) {
		if ((table->rows[i].kind == HEADER_MEMBER) == (kind == HEADER_MEMBER) &&
		    text_eq_nocase(table->rows[i].name, name)) {
			config_report_word(reader, "duplicate", name, NULL);
			break;
		}
	}
	if (table->count == table->size) {
		table->full = true;
		return NULL;
	}
	*row = (struct header_rule){ .kind = kind, .name = name };
	table->where[table->count++] = config_offset_of(reader, name);
	return row;
}

static enum header_kind read_format(struct config_reader *reader)
{
	static const char names[][8] = {
		[HEADER_JSON] = "json", [HEADER_BAGGAGE] = "baggage", [HEADER_LIST] = "list"
	};
	struct text format;

	if (!config_string(reader, TEXT("$format"), &format))
		return HEADER_JSON;
	for (enum header_kind kind = HEADER_JSON; kind <= HEADER_LIST; kind++) {
		if (text_eq(format, text_of(names[kind])))
			return kind;
	}
	config_report_word(reader, "there is no such format", format, "json baggage list");
	return HEADER_JSON;
}

/* The object of the header at row `at`: one template, or settings and members. */
static void read_object(struct config_reader *reader, struct header_table *table, size_t at)
{
	struct header_rule *header = &table->rows[at];
	bool has_template = false, has_settings = false;
	enum header_kind kind = HEADER_JSON;
	struct text key, value, tmpl = { NULL, 0 };

	json_object(&reader->json);
	while (json_member(&reader->json, &key)) {
		if (text_eq(key, TEXT("$template"))) {
			has_template = true;
			config_string(reader, key, &tmpl);
		} else if (text_eq(key, TEXT("$max_value"))) {
			header->max_value = (uint16_t)config_number(reader, key, VALUE_BYTES_MAX);
		} else if (text_eq(key, TEXT("$format"))) {
			has_settings = true;
			kind = read_format(reader);
		} else if (text_eq(key, TEXT("$max_members"))) {
			has_settings = true;
			header->max_members = (uint16_t)config_number(reader, key, TAGS_MAX);
		} else if (text_eq(key, TEXT("$require_all"))) {
			has_settings = true;
			config_boolean(reader, key, &header->require_all);
		} else if (text_starts_with(key, TEXT("$"))) {
			has_settings = true;
			config_unknown_key(
				reader, key,
				"$template $format $max_members $max_value $require_all");
		} else {
			struct header_rule *member = add_row(reader, table, at, key, HEADER_MEMBER);

			if (!config_string(reader, key, &value))
				continue;
			if (member)
				member->value = value;
			check_template(reader, value, text_eq(key, TEXT("*")));
		}
	}
	if (reader->json.error)
		return;
	if (has_template) {
		header->value = tmpl;
		if (tmpl.ptr)
			check_template(reader, tmpl, header->kind == HEADER_FANOUT);
		if (has_settings || at + 1 != table->count)
			config_report(reader, table->where[at],
				      "beside \"$template\" there is only \"$max_value\"",
				      header->name, NULL);
		return;
	}
	if (header->kind == HEADER_FANOUT)
		config_report(reader, table->where[at], "a name with \"*\" takes one template",
			      header->name, NULL);
	header->kind = kind;
	if (at + 1 == table->count)
		config_report(reader, table->where[at], "there are no members", header->name, NULL);
	for (size_t i = at + 1; i < table->count; i++) {
		/* Keys of baggage and lists are tokens. */
		key = table->rows[i].name;
		if (!key.len || (kind != HEADER_JSON && !chars_are_token(key)))
			config_report(reader, table->where[i], "that cannot be a key", key, NULL);
	}
}

void headers_read(struct config_reader *reader, struct header_table *table)
{
	size_t first = table->count;
	struct text name;

	while (json_member(&reader->json, &name)) {
		ptrdiff_t star = text_find(name, '*');
		struct header_rule *header;
		enum json_type type;

		if (!header_name_ok(name) || (star >= 0 && (size_t)star + 1 != name.len))
			config_report_word(reader, "the name is not fit for a header", name, NULL);
		else if (header_name_forbidden(name))
			config_report_word(reader, "this header may not be set", name, NULL);
		header = add_row(reader, table, first, name,
				 star >= 0 ? HEADER_FANOUT : HEADER_TEXT);
		if (!header) {
			json_skip(&reader->json, NULL);
			continue;
		}
		type = json_peek(&reader->json);
		if (type == JSON_OBJECT) {
			read_object(reader, table, table->count - 1);
		} else if (type == JSON_NULL) {
			header->kind = HEADER_OMIT;
			json_skip(&reader->json, NULL);
		} else if (config_string(reader, name, &header->value)) {
			check_template(reader, header->value, star >= 0);
		}
	}
}
