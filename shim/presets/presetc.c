// SPDX-License-Identifier: MIT
/*
 * The preset compiler, run when the shim is built: reads shim/presets/NAME.json, checks everything
 * that can be wrong with them, and prints C source, so that the shim itself parses nothing and the
 * data needs no relocation. A file's headers are written as a configuration's (core/config_header_read.h):
 *
 *	{
 *		"$comment": "documentation page and limits",
 *		"hosts": ["relay.example", "*.relay.example"],
 *		"headers": { "X-Task-Id": "{task_id}" }
 *	}
 *
 * "hosts" may be missing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "core/config_header_read.h"
#include "presets/pack.h"

#define FILE_BYTES_MAX 65536

static struct pack packed;

static const char *current_file;
static char source[FILE_BYTES_MAX + 1]; /* as it is read, for places */

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", current_file);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static _Noreturn void fail_at(size_t offset, const char *reason, struct text word)
{
	size_t line, column;

	fault_line(text_of(source), offset, &line, &column);
	fprintf(stderr, "%s:%zu:%zu: %s", current_file, line, column, reason);
	if (word.len)
		fprintf(stderr, ": \"%.*s\"", (int)word.len, word.ptr);
	fputc('\n', stderr);
	exit(1);
}

static void on_fault(void *arg, const struct fault *fault)
{
	fail_at(fault->offset, fault->reason, fault->word);
}

/* Finds or adds a text; one of JSON's can hold a NUL. */
static struct preset_text pack_in(struct pack_pool *pool, struct text text)
{
	char memory[UINT16_MAX];
	struct preset_text packed_text;
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	buf_add(&buf, text);
	if (buf.full || strlen(memory) != text.len)
		fail("a text is too long, or has a NUL");
	if (!pack_text(pool, memory, &packed_text))
		fail("all presets together have too much text");
	return packed_text;
}

static struct preset_text pack(struct text text)
{
	return pack_in(&packed.texts, text);
}

static struct text string_of(struct json *json)
{
	struct text text = { NULL, 0 };

	if (!json_string(json, &text) || !text.len)
		fail_at(json_where(json), "a text is wanted here", text);
	return text;
}

static void pack_row(struct preset_entry *entry, const struct spec *spec)
{
	struct preset_row *row = &packed.rows[packed.rows_count++];

	if (spec->kind == SPEC_OMIT)
		fail("\"%.*s\" has no template", (int)spec->name.len, spec->name.ptr);
	row->kind = (uint8_t)spec->kind;
	row->name = pack(spec->name);
	row->value = pack(spec->value);
	row->max_members = spec->max_members;
	row->max_value = spec->max_value;
	row->require_all = spec->require_all;
	entry->rows++;
}

static void read_headers(struct preset_entry *entry, struct json *json)
{
	struct spec specs[PRESET_ROWS_MAX];
	size_t where[PRESET_ROWS_MAX], place = json_where(json);
	struct spec_table table = { .specs = specs, .where = where, .size = PRESET_ROWS_MAX };
	struct faults faults = { .tell = on_fault };
	unsigned lines = 0;

	headers_read(json, &faults, &table);
	if (table.full)
		fail_at(place, "the preset has too many rows", TEXT("headers"));
	for (size_t i = 0; i < table.count; i++) {
		lines += specs[i].kind != SPEC_FANOUT && specs[i].kind != SPEC_MEMBER;
		pack_row(entry, &specs[i]);
	}
	if (!table.count || lines > LINES_MAX)
		fail_at(place, "there are no headers, or more than ten", TEXT("headers"));
}

/* The patterns in one text, comma separated, as TAGALONG_RELAYS has them. */
static struct preset_text read_hosts(struct json *json)
{
	char memory[URL_BYTES_MAX];
	struct buf joined;

	buf_init(&joined, memory, sizeof(memory));
	for (json_array(json); json_element(json);) {
		struct text host = string_of(json);

		if (text_find(host, ',') >= 0 || text_find(host, ' ') >= 0 ||
		    text_find(host, ':') >= 0 || text_find(host, '/') >= 0)
			fail_at(fault_place(json, host), "that is no host", host);
		if (joined.len)
			buf_char(&joined, ',');
		buf_add(&joined, host);
	}
	if (joined.full)
		fail("there are too many hosts");
	return pack(buf_since(&joined, 0));
}

static void read_preset(struct preset_entry *entry, struct json *json)
{
	struct text key;

	for (json_object(json); json_member(json, &key);) {
		if (text_eq(key, TEXT("$comment")))
			entry->comment = pack_in(&packed.comments, string_of(json));
		else if (text_eq(key, TEXT("hosts")))
			entry->hosts = read_hosts(json);
		else if (text_eq(key, TEXT("headers")) && !entry->rows)
			read_headers(entry, json);
		else
			fail_at(fault_place(json, key), "there is no such key, or it is there twice",
				key);
	}
	if (!json_end(json))
		fail_at(json_where(json), json->fault, TEXT(""));
	if (!entry->comment.len || !entry->rows)
		fail("\"$comment\" or \"headers\" is missing");
}

/* The preset's name: the file's, without folder and ".json". */
static struct preset_text name_of(const char *path)
{
	struct text name = text_of(path);

	if (!text_ends_with(name, TEXT(".json")))
		fail("the file's name does not end in .json");
	name.len -= strlen(".json");
	name = text_from(name, (size_t)(text_find_last(name, '/') + 1));
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '-')
			fail("the file's name is no name for a preset");
	}
	if (!name.len)
		fail("the file's name is no name for a preset");
	return pack(name);
}

static size_t read_source(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file)
		fail("%s", strerror(errno));
	len = fread(source, 1, FILE_BYTES_MAX, file);
	if (ferror(file) || !feof(file))
		fail("cannot be read, or is too large");
	fclose(file);
	source[len] = '\0';
	return len;
}

static void read_file(const char *path)
{
	static char memory[FILE_BYTES_MAX + 1];
	struct preset_entry *entry = &packed.entries[packed.entries_count];
	struct json json;
	size_t len;

	current_file = path;
	if (packed.entries_count == PRESETS_MAX)
		fail("there are more than %d presets", PRESETS_MAX);
	packed.entries_count++;
	len = read_source(path);
	memcpy(memory, source, len);
	json_init(&json, memory, len);
	entry->name = name_of(path);
	entry->first_row = (uint16_t)packed.rows_count;
	read_preset(entry, &json);
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
