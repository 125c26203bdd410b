/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259) as the protocol and the configuration need it: a strict pull reader that works in
 * the text's own memory, and a writer into a bounded buffer. Neither allocates.
 */
#ifndef TAGALONG_LIB_JSON_H
#define TAGALONG_LIB_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

/* Objects and arrays in each other. The protocol needs three, the configuration five; the reader
 * recurses this deep. */
#define JSON_DEPTH_MAX 8

/*
 * One document. The caller asks for what it expects, in the order of the text; after a fault every
 * question is answered with false, so that one check at the end is enough.
 */
struct json {
	char *start, *at, *end;
	const char *fault; /* what is wrong at `at`, for people; NULL while nothing is */
	uint8_t depth;
	uint16_t fresh; /* a bit for each depth: nothing was read in it yet */
};

enum json_type {
	JSON_NONE, /* no value here, or a fault */
	JSON_NULL,
	JSON_BOOLEAN,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* The reader overwrites the memory: strings are unescaped where they stand. */
void json_init(struct json *json, char *memory, size_t len);
/* What comes next, by its first character. */
enum json_type json_peek(struct json *json);

/* Each takes the value that comes next. False, and a fault, when it is something else. */
bool json_object(struct json *json);
bool json_array(struct json *json);
bool json_string(struct json *json, struct text *ret_text);
/* A whole number 0..max without sign, fraction or exponent. */
bool json_number(struct json *json, uint64_t max, uint64_t *ret_number);
bool json_boolean(struct json *json, bool *ret_boolean);
/* Any value, checked as strictly, and left as it stands in memory: *ret_raw (may be NULL) can be
 * read by another json_init later. */
bool json_skip(struct json *json, struct text *ret_raw);

/* Inside an object or array: goes to the next member or element; false at its end, which is then
 * left, or on a fault. A member's value has to be taken before the next question. */
bool json_member(struct json *json, struct text *ret_key);
bool json_element(struct json *json);

/* Whether there was no fault and nothing but white space is left. */
bool json_end(struct json *json);
/* Where a fault was found: bytes from the start. */
size_t json_where(const struct json *json);

/* Appends a string with its quotes. The text has to be UTF-8. */
void json_write_string(struct buf *buf, struct text text);
/* Appends `"key":`, after a comma unless an object or array was just opened. */
void json_write_key(struct buf *buf, const char *key);
/* The bytes that json_write_string makes of a text without control characters, but its quotes. */
size_t json_written_bytes(struct text text);

#endif
