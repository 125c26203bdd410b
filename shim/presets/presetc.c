// SPDX-License-Identifier: MIT
/*
 * The preset compiler, run when the shim is built: reads shim/presets/NAME.json, checks everything
 * that can be wrong with them, and prints C source, so that the shim itself parses nothing and the
 * data needs no relocation. The format of a file:
 *
 *	{
 *		"$comment": "documentation page and limits",
 *		"hosts": ["relay.example", "*.relay.example"],
 *		"headers": {
 *			"X-Task-Id": "{task_id}",
 *			"X-Session-Id": { "$template": "{session_id}", "$max_value": 128 },
 *			"X-Tag-*": "{tags}",
 *			"X-Metadata": { "$format": "json", "$max_members": 5, "$max_value": 128,
 *				"$require_all": true, "task": "{task_id}", "*": "{tags}" }
 *		}
 *	}
 *
 * "hosts" may be missing; "$format" is "json" (the default), "baggage" or "list".
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/limits.h"
#include "headers/chars.h"
#include "headers/header.h"
#include "headers/template.h"
#include "presets/pack.h"

#define FILE_BYTES_MAX 65536

static struct pack packed;

/* What is being read, for messages. */
static const char *current_file;
static const char *current_header;

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", current_file);
	if (current_header)
		fprintf(stderr, "header \"%s\": ", current_header);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static uint16_t pack(const char *text)
{
	uint16_t place;

	if (!pack_text(&packed, text, &place))
		fail("all presets together have too much text");
	return place;
}

static const char *string_of(const cJSON *item, const char *what)
{
	if (!cJSON_IsString(item) || !item->valuestring[0])
		fail("%s is no text", what);
	return item->valuestring;
}

static uint16_t number_of(const cJSON *item, double max)
{
	double number = cJSON_GetNumberValue(item);

	if (!(number >= 1 && number <= max) || number != (double)(long)number)
		fail("\"%s\" is no whole number from 1 to %.0f", item->string, max);
	return (uint16_t)number;
}

static bool bool_of(const cJSON *item)
{
	if (!cJSON_IsBool(item))
		fail("\"%s\" is neither true nor false", item->string);
	return cJSON_IsTrue(item);
}

static bool placeholder_known(void *arg, struct text name)
{
	static const char known[][16] = {
#define FIELD(constant, name, variable, what) #name,
#include "context/fields.def"
#undef FIELD
		"request_id", "host", "pid", "comm",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (text_eq(name, text_of(known[i])))
			return true;
	}
	return (text_starts_with(name, TEXT("env:")) && name.len > 4) ||
	       text_starts_with(name, TEXT("body:/"));
}

static bool any_value(void *arg, struct text name, struct text *ret_value)
{
	*ret_value = TEXT("x");
	return true;
}

static uint16_t pack_template(const cJSON *item)
{
	const char *source = string_of(item, "the template");
	struct template_error error;

	if (template_check(text_of(source), placeholder_known, NULL, &error))
		fail("template \"%s\", byte %zu: %s", source, error.offset, error.reason);
	return pack(source);
}

/* For a "*", which takes its value apart. */
static uint16_t pack_list_template(const cJSON *item)
{
	uint16_t place = pack_template(item);
	struct text value;

	if (template_value(text_of(packed.texts + place), any_value, NULL, &value))
		fail("\"%s\" needs a template that is one placeholder", item->string);
	return place;
}

static struct preset_row *new_row(struct preset_entry *entry, const char *name)
{
	struct preset_row *row = &packed.rows[packed.rows_count];

	if (entry->rows == PRESET_ROWS_MAX)
		fail("the preset has more than %d rows", PRESET_ROWS_MAX);
	entry->rows++;
	packed.rows_count++;
	row->name = pack(name);
	return row;
}

/* A JSON object keeps names that occur twice; the order of headers and members has a meaning. */
static void check_unique(const cJSON *item)
{
	for (const cJSON *other = item->prev; other->next; other = other->prev) {
		if (text_eq_nocase(text_of(other->string), text_of(item->string)))
			fail("\"%s\" is there twice", item->string);
	}
}

static void read_member(struct preset_entry *entry, enum spec_kind kind, const cJSON *item)
{
	struct preset_row *row;

	check_unique(item);
	if (!item->string[0] || (kind != SPEC_JSON && !chars_are_token(text_of(item->string))))
		fail("\"%s\" cannot be a key", item->string);
	row = new_row(entry, item->string);
	row->kind = SPEC_MEMBER;
	row->value = strcmp(item->string, "*") ? pack_template(item) : pack_list_template(item);
}

static enum spec_kind format_of(const cJSON *object)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "$format");
	const char *format = item ? string_of(item, "\"$format\"") : "json";

	if (!strcmp(format, "json"))
		return SPEC_JSON;
	if (!strcmp(format, "baggage"))
		return SPEC_BAGGAGE;
	if (strcmp(format, "list"))
		fail("there is no format \"%s\"", format);
	return SPEC_LIST;
}

static void read_composed(struct preset_entry *entry, struct preset_row *row, const cJSON *object)
{
	uint16_t rows = entry->rows;
	const cJSON *item;

	row->kind = format_of(object);
	cJSON_ArrayForEach(item, object) {
		if (!strcmp(item->string, "$max_members"))
			row->max_members = number_of(item, TAGS_MAX);
		else if (!strcmp(item->string, "$max_value"))
			row->max_value = number_of(item, VALUE_BYTES_MAX);
		else if (!strcmp(item->string, "$require_all"))
			row->require_all = bool_of(item);
		else if (item->string[0] != '$')
			read_member(entry, row->kind, item);
		else if (strcmp(item->string, "$format"))
			fail("\"%s\" is unknown", item->string);
	}
	if (entry->rows == rows)
		fail("there are no members");
}

/* A plain header in the long form. */
static const cJSON *read_limits(struct preset_row *row, const cJSON *object)
{
	const cJSON *item, *tmpl = NULL;

	cJSON_ArrayForEach(item, object) {
		if (!strcmp(item->string, "$template"))
			tmpl = item;
		else if (!strcmp(item->string, "$max_value"))
			row->max_value = number_of(item, VALUE_BYTES_MAX);
		else
			fail("\"%s\" is unknown beside \"$template\"", item->string);
	}
	return tmpl;
}

static enum spec_kind read_header(struct preset_entry *entry, const cJSON *item)
{
	struct text name = text_of(item->string);
	ptrdiff_t star = text_find(name, '*');
	bool fanout = star >= 0;
	struct preset_row *row;

	check_unique(item);
	if (!header_name_ok(name) || (fanout && (size_t)star + 1 != name.len))
		fail("the name is not fit for a header");
	if (header_name_forbidden(name))
		fail("that header is never set");
	row = new_row(entry, item->string);
	if (cJSON_IsObject(item) && !cJSON_HasObjectItem(item, "$template")) {
		if (fanout)
			fail("a name with \"*\" takes one template");
		read_composed(entry, row, item);
		return row->kind;
	}
	row->kind = fanout ? SPEC_FANOUT : SPEC_TEXT;
	if (cJSON_IsObject(item))
		item = read_limits(row, item);
	row->value = fanout ? pack_list_template(item) : pack_template(item);
	return row->kind;
}

static void read_headers(struct preset_entry *entry, const cJSON *headers)
{
	unsigned lines = 0;
	const cJSON *item;

	if (!headers || !cJSON_IsObject(headers) || !headers->child)
		fail("there are no headers");
	cJSON_ArrayForEach(item, headers) {
		current_header = item->string;
		lines += read_header(entry, item) != SPEC_FANOUT;
	}
	current_header = NULL;
	if (lines > LINES_MAX)
		fail("there are more than %d headers", LINES_MAX);
}

/* The patterns in one text, comma separated, as TAGALONG_RELAYS has them. */
static uint16_t read_hosts(const cJSON *hosts)
{
	char memory[URL_BYTES_MAX];
	const cJSON *item;
	struct buf joined;

	if (!cJSON_IsArray(hosts))
		fail("\"hosts\" is no array");
	buf_init(&joined, memory, sizeof(memory));
	cJSON_ArrayForEach(item, hosts) {
		const char *host = string_of(item, "a host");

		if (strpbrk(host, ", \t"))
			fail("\"%s\" is no host", host);
		if (joined.len)
			buf_char(&joined, ',');
		buf_add(&joined, text_of(host));
	}
	if (joined.full)
		fail("there are too many hosts");
	return pack(joined.data);
}

static void read_preset(struct preset_entry *entry, const cJSON *root)
{
	const cJSON *item, *headers = NULL;

	cJSON_ArrayForEach(item, root) {
		check_unique(item);
		if (!strcmp(item->string, "$comment"))
			entry->comment = pack(string_of(item, "\"$comment\""));
		else if (!strcmp(item->string, "hosts"))
			entry->hosts = read_hosts(item);
		else if (!strcmp(item->string, "headers"))
			headers = item;
		else
			fail("\"%s\" is unknown", item->string);
	}
	if (!entry->comment)
		fail("\"$comment\" is missing");
	read_headers(entry, headers);
}

/* The preset's name: the file's, without folder and ".json". */
static uint16_t name_of(const char *path)
{
	struct text name = text_of(path);
	char memory[NAME_BYTES_MAX];
	struct buf buf;

	if (!text_ends_with(name, TEXT(".json")))
		fail("the file's name does not end in .json");
	name.len -= strlen(".json");
	name = text_from(name, (size_t)(text_find_last(name, '/') + 1));
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '-')
			fail("the file's name is no name for a preset");
	}
	buf_init(&buf, memory, sizeof(memory));
	buf_add(&buf, name);
	if (!buf.len)
		fail("the file's name is no name for a preset");
	return pack(memory);
}

static cJSON *parse_file(const char *path)
{
	static char source[FILE_BYTES_MAX + 1];
	FILE *file = fopen(path, "r");
	const char *end = source;
	size_t len, line = 1;
	cJSON *root;

	if (!file)
		fail("%s", strerror(errno));
	len = fread(source, 1, FILE_BYTES_MAX, file);
	if (ferror(file) || !feof(file))
		fail("cannot be read, or is too large");
	fclose(file);
	source[len] = '\0';
	root = cJSON_ParseWithOpts(source, &end, true);
	for (const char *at = source; at < end; at++)
		line += *at == '\n';
	if (!cJSON_IsObject(root))
		fail("line %zu: not a JSON object", line);
	return root;
}

static void read_file(const char *path)
{
	struct preset_entry *entry = &packed.entries[packed.entries_count];
	cJSON *root;

	current_file = path;
	if (packed.entries_count == PRESETS_MAX)
		fail("there are more than %d presets", PRESETS_MAX);
	packed.entries_count++;
	root = parse_file(path);
	entry->name = name_of(path);
	entry->first_row = (uint16_t)packed.rows_count;
	read_preset(entry, root);
	cJSON_Delete(root);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		read_file(argv[i]);
	pack_print(&packed);
	if (fflush(stdout) || ferror(stdout)) {
		perror("presetc");
		return 1;
	}
	return 0;
}
