// SPDX-License-Identifier: MIT
/* The output half of the preset compiler: one pool of texts, tables of places in it, and how they
 * are printed. The same files give the same bytes on every machine. */
#include "presets/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chars.h"

bool pack_text(struct pack_pool *pool, const char *text, struct preset_text *ret_text)
{
	size_t size = strlen(text) + 1, place = 0;

	if (!pool->len)
		pool->len = 1;
	while (place < pool->len && strcmp(pool->texts + place, text))
		place += strlen(pool->texts + place) + 1;
	if (place == pool->len) {
		if (size > sizeof(pool->texts) - place)
			return false;
		memcpy(pool->texts + place, text, size);
		pool->len += size;
	}
	*ret_text = (struct preset_text){ (uint16_t)place, (uint16_t)(size - 1) };
	return true;
}

static int by_name(const void *left, const void *right, void *texts)
{
	const struct preset_entry *a = left, *b = right;
	const char *start = texts;

	return strcmp(start + a->name.place, start + b->name.place);
}

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if (char_is_control(*text) || *text & 0x80)
			printf("\\%03o", (unsigned char)*text);
		else
			putchar(*text);
	}
	puts("\\0\"");
}

static void print_texts(const char *name, const struct pack_pool *pool)
{
	printf("const char %s[] =\n", name);
	for (size_t place = 0; place < pool->len; place += strlen(pool->texts + place) + 1) {
		printf("\t/* %5zu */ ", place);
		print_text(pool->texts + place);
	}
	puts("\t;\n");
}

static void print_rows(const struct pack *pack)
{
	static const char kinds[][16] = {
		[HEADER_TEXT] = "HEADER_TEXT",	 [HEADER_FANOUT] = "HEADER_FANOUT",
		[HEADER_JSON] = "HEADER_JSON",	 [HEADER_BAGGAGE] = "HEADER_BAGGAGE",
		[HEADER_LIST] = "HEADER_LIST",	 [HEADER_MEMBER] = "HEADER_MEMBER",
	};

	puts("/* name, value, max_members, max_value, kind, require_all */");
	puts("const struct preset_row preset_rows[] = {");
	for (size_t i = 0; i < pack->rows_count; i++) {
		const struct preset_row *row = &pack->rows[i];

		printf("\t{ { %u, %u }, { %u, %u }, %u, %u, %s, %u }, /* %s */\n",
		       row->name.place, row->name.len, row->value.place, row->value.len,
		       row->max_members, row->max_value, kinds[row->kind], row->require_all,
		       pack->texts.texts + row->name.place);
	}
	puts("};\n");
}

static void print_entries(const struct pack *pack)
{
	puts("/* name, comment, hosts, first_row, rows, derives */");
	puts("const struct preset_entry preset_entries[] = {");
	for (size_t i = 0; i < pack->entries_count; i++) {
		const struct preset_entry *entry = &pack->entries[i];

		printf("\t{ { %u, %u }, { %u, %u }, { %u, %u }, %u, %u, %u }, /* %s */\n",
		       entry->name.place, entry->name.len, entry->comment.place,
		       entry->comment.len, entry->hosts.place, entry->hosts.len,
		       entry->first_row, entry->rows, entry->derives,
		       pack->texts.texts + entry->name.place);
	}
	printf("};\n\nconst uint16_t preset_entry_count = %zu;\n", pack->entries_count);
}

void pack_print(struct pack *pack)
{
	qsort_r(pack->entries, pack->entries_count, sizeof(pack->entries[0]), by_name,
		pack->texts.texts);
	puts("// SPDX-License-Identifier: MIT");
	puts("/* Made by shim/presets/presetc.c from the JSON files beside it; do not edit.");
	puts(" * Numbers that stand for texts are a place in preset_texts, a comment's in");
	puts(" * preset_comments, and a length. */");
	puts("#include \"core/preset_data.h\"\n\n#include \"core/header_rule.h\"\n");
	print_texts("preset_texts", &pack->texts);
	print_texts("preset_comments", &pack->comments);
	print_rows(pack);
	print_entries(pack);
}
