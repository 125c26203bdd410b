/* SPDX-License-Identifier: MIT */
/* One walk through a configuration's text: what its parts share while they are read. */
#ifndef TAGALONG_CORE_CONFIG_READER_H
#define TAGALONG_CORE_CONFIG_READER_H

#include "lib/buf.h"
#include "lib/limits.h"
#include "core/config.h"
#include "core/config_header_read.h"
#include "lib/json.h"

/* The one block: the configuration and all that it points to. */
struct block {
	struct config config;
	struct config_rule rules[CONFIG_RULES_MAX];
	struct config_pattern patterns[CONFIG_PATTERNS_MAX];
	struct spec specs[CONFIG_ROWS_MAX];
	size_t specs_where[CONFIG_ROWS_MAX];
	struct config_adopted adopted[CONFIG_ADOPTED_MAX];
	char text[]; /* the source, unescaped in place; behind it what is put together */
};

struct reader {
	struct json json;
	struct faults *faults;
	struct block *block;
	struct spec_table table; /* the block's specs */
	size_t patterns;
	struct buf spare; /* behind the source */
};

/* All fields' names, separated by blanks. */
extern const char field_words[];

void reader_tell(struct reader *reader, size_t place, const char *reason, struct text word,
		 const char *known);

/* Where the next value begins. */
size_t reader_place(struct reader *reader);
/* Whether the next value is of this type; else it is passed over, and told. */
bool reader_next_is(struct reader *reader, enum json_type type, const char *reason, struct text key);

/* Enters the value of a key, or takes it. False when it is something else, which was told, or when
 * the JSON is broken. */
bool reader_object(struct reader *reader, struct text key);
bool reader_array(struct reader *reader, struct text key);
bool reader_string(struct reader *reader, struct text key, struct text *ret_text);
/* 1 to max; 0 for anything else. */
uint32_t reader_number(struct reader *reader, uint32_t max, struct text key);
/* The next text of a list; elements that are none are told. False at its end. */
bool reader_next_string(struct reader *reader, struct text key, struct text *ret_text);

/* "$comment" and "$schema" may stand wherever the keys are fixed: true when this was one. */
bool reader_remark(struct reader *reader, struct text key);
void reader_unknown_key(struct reader *reader, struct text key, const char *known);
/* Remembers where a key stands; told when it was there before. */
void reader_note_key(struct reader *reader, size_t *where, struct text key);

/* The element of "relays" that comes next. */
void rule_read(struct reader *reader);

#endif
