// SPDX-License-Identifier: MIT
/* The preset compiler, run when the shim is built: reads shim/presets/NAME.json, checks everything
 * that can be wrong with them, and prints C source, so that the shim itself parses nothing and the
 * data needs no relocation. A file's headers are written as a configuration's (core/header_rule.h):
 *
 *	{
 *		"$comment": "documentation page and limits",
 *		"hosts": ["relay.example", "*.relay.example"],
 *		"headers": { "X-Task-Id": "{task_id}" }
 *	}
 *
 * "hosts" may be missing, and so may "conversation": "derive", which says that the relay needs a
 * conversation id: one is made where nothing gives one. The same files give the same bytes on every
 * machine. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/preset.h"
#include "core/preset_data.h"
#include "lib/chars.h"
#include "lib/limits.h"

#define FILE_BYTES_MAX 65536
#define PRESETS_MAX 64

/* Texts one behind the other, each once, with its NUL; place 0 is the empty one. */
struct pool {
	char bytes[UINT16_MAX];
	size_t len;
};

static struct pool texts = { .len = 1 }, comments = { .len = 1 };
static struct preset_row rows[PRESETS_MAX * PRESET_ROWS_MAX];
static struct preset_entry entries[PRESETS_MAX];
static size_t rows_count, entries_count;

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

	config_line_of(text_of(source), offset, &line, &column);
	fprintf(stderr, "%s:%zu:%zu: %s", current_file, line, column, reason);
	if (word.len)
		fprintf(stderr, ": \"%.*s\"", (int)word.len, word.ptr);
	fputc('\n', stderr);
	exit(1);
}

static void on_error(void *arg, const struct config_error *error)
{
	fail_at(error->offset, error->reason, error->word);
}

/* Finds or adds a text. */
static struct preset_text pack(struct pool *pool, struct text text)
{
	size_t place = 0;

	if (text.len && memchr(text.ptr, '\0', text.len))
		fail("a text has a NUL");
	while (place < pool->len && !text_eq(text_of(pool->bytes + place), text))
		place += strlen(pool->bytes + place) + 1;
	if (place == pool->len) {
		if (text.len >= sizeof(pool->bytes) - place)
			fail("all presets together have too much text");
		memcpy(pool->bytes + place, text.ptr, text.len);
		pool->len += text.len + 1;
	}
	return (struct preset_text){ (uint16_t)place, (uint16_t)text.len };
}

static struct text string_of(struct config_reader *reader, struct text key)
{
	struct text text = { NULL, 0 };

	if (config_string(reader, key, &text) && !text.len)
		fail_at(config_offset_of(reader, text), "expected a string", key);
	return text;
}

static void pack_row(struct preset_entry *entry, const struct header_rule *header)
{
	struct preset_row *row = &rows[rows_count++];

	if (header->kind == HEADER_OMIT)
		fail("\"%.*s\" has no template", (int)header->name.len, header->name.ptr);
	row->kind = (uint8_t)header->kind;
	row->name = pack(&texts, header->name);
	row->value = pack(&texts, header->value);
	row->max_members = header->max_members;
	row->max_value = header->max_value;
	row->require_all = header->require_all;
	entry->rows++;
}

static void read_headers(struct preset_entry *entry, struct config_reader *reader)
{
	struct header_rule headers[PRESET_ROWS_MAX];
	size_t where[PRESET_ROWS_MAX], offset = config_offset(reader);
	struct header_table table = { .rows = headers, .where = where, .size = PRESET_ROWS_MAX };
	unsigned lines = 0;

	if (config_object(reader, TEXT("headers")))
		headers_read(reader, &table);
	if (table.full)
		fail_at(offset, "the preset has too many rows", TEXT("headers"));
	for (size_t i = 0; i < table.count; i++) {
		lines += headers[i].kind < HEADER_FANOUT;
		pack_row(entry, &headers[i]);
	}
	if (!table.count || lines > LINES_MAX)
		fail_at(offset, "there are no headers, or more than ten", TEXT("headers"));
}

/* The patterns in one text, comma separated, as TAGALONG_RELAYS has them. */
static struct preset_text read_hosts(struct config_reader *reader)
{
	char memory[URL_BYTES_MAX];
	struct buf joined;
	struct text host;

	buf_init(&joined, memory, sizeof(memory));
	if (config_array(reader, TEXT("hosts"))) {
		while (config_next_string(reader, TEXT("hosts"), &host)) {
			if (!host.len || text_find(host, ',') >= 0 || text_find(host, ' ') >= 0 ||
			    text_find(host, ':') >= 0 || text_find(host, '/') >= 0)
				fail_at(config_offset_of(reader, host), "that is no host", host);
			if (joined.len)
				buf_char(&joined, ',');
			buf_add(&joined, host);
		}
	}
	if (joined.full)
		fail("there are too many hosts");
	return pack(&texts, buf_since(&joined, 0));
}

/* Whether the relay needs a conversation id. */
static bool read_derives(struct config_reader *reader, struct text key)
{
	struct text word = string_of(reader, key);

	if (!text_eq(word, TEXT("derive")))
		fail_at(config_offset_of(reader, word), "there is no such choice", word);
	return true;
}

static void read_preset(struct preset_entry *entry, struct config_reader *reader)
{
	struct json *json = &reader->json;
	struct text key;

	for (json_object(json); json_member(json, &key);) {
		if (text_eq(key, TEXT("$comment")))
			entry->comment = pack(&comments, string_of(reader, key));
		else if (text_eq(key, TEXT("hosts")))
			entry->hosts = read_hosts(reader);
		else if (text_eq(key, TEXT("conversation")))
			entry->derives = read_derives(reader, key);
		else if (text_eq(key, TEXT("headers")) && !entry->rows)
			read_headers(entry, reader);
		else
			fail_at(config_offset_of(reader, key), "unknown or repeated key", key);
	}
	if (!json_end(json))
		fail_at(json_where(json), json->error, TEXT(""));
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
	return pack(&texts, name);
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
	struct preset_entry *entry = &entries[entries_count];
	struct config_errors errors = { .report = on_error };
	struct config_reader reader = { .errors = &errors };
	size_t len;

	current_file = path;
	if (entries_count++ == PRESETS_MAX)
		fail("there are more than %d presets", PRESETS_MAX);
	len = read_source(path);
	memcpy(memory, source, len);
	json_init(&reader.json, memory, len);
	entry->name = name_of(path);
	entry->first_row = (uint16_t)rows_count;
	read_preset(entry, &reader);
}

static int by_name(const void *left, const void *right)
{
	const struct preset_entry *a = left, *b = right;

	return strcmp(texts.bytes + a->name.place, texts.bytes + b->name.place);
}

static void print_pool(const char *name, const struct pool *pool)
{
	printf("const char %s[] =\n", name);
	for (size_t place = 0; place < pool->len; place += strlen(pool->bytes + place) + 1) {
		printf("\t/* %5zu */ \"", place);
		for (const char *at = pool->bytes + place; *at; at++) {
			if (*at == '"' || *at == '\\')
				printf("\\%c", *at);
			else if (char_is_control(*at) || *at & 0x80)
				printf("\\%03o", (unsigned char)*at);
			else
				putchar(*at);
		}
		puts("\\0\"");
	}
	puts("\t;\n");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		read_file(argv[i]);
	qsort(entries, entries_count, sizeof(entries[0]), by_name);
	puts("/* Made by shim/presets/presetc.c from the JSON files beside it; do not edit.\n"
	     " * Numbers that stand for texts are a place in preset_texts, a comment's in\n"
	     " * preset_comments, and a length. */\n"
	     "#include \"core/preset_data.h\"\n");
	print_pool("preset_texts", &texts);
	print_pool("preset_comments", &comments);
	puts("/* name, value, max_members, max_value, kind, require_all */\n"
	     "const struct preset_row preset_rows[] = {");
	for (size_t i = 0; i < rows_count; i++)
		printf("\t{ { %u, %u }, { %u, %u }, %u, %u, %u, %u }, /* %s */\n",
		       rows[i].name.place, rows[i].name.len, rows[i].value.place, rows[i].value.len,
		       rows[i].max_members, rows[i].max_value, rows[i].kind, rows[i].require_all,
		       texts.bytes + rows[i].name.place);
	puts("};\n\n/* name, comment, hosts, first_row, rows, derives */\n"
	     "const struct preset_entry preset_entries[] = {");
	for (const struct preset_entry *entry = entries; entry < entries + entries_count; entry++)
		printf("\t{ { %u, %u }, { %u, %u }, { %u, %u }, %u, %u, %u }, /* %s */\n",
		       entry->name.place, entry->name.len, entry->comment.place, entry->comment.len,
		       entry->hosts.place, entry->hosts.len, entry->first_row, entry->rows,
		       entry->derives, texts.bytes + entry->name.place);
	printf("};\n\nconst uint16_t preset_entry_count = %zu;\n", entries_count);
	if (fflush(stdout) || ferror(stdout)) {
		perror("presetc");
		return 1;
	}
	return 0;
}
