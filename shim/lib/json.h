/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259): a pull reader and a writer into a bounded buffer. Neither allocates. The reader
 * has two modes. Strict, for the protocol and the configuration: nothing is repaired, lone
 * surrogates are refused (RFC 7493), strings are unescaped where they stand. Lenient, for the part
 * of a request's body that was seen: nothing is written, what is skipped is not checked, strings
 * stay escaped, and the text may end anywhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

/* Objects and arrays in each other. The protocol needs three, the configuration five; the strict
 * reader recurses this deep. */
#define JSON_DEPTH_MAX 8
/* Those that a lenient reader enters; it skips any depth without recursion. */
#define JSON_LENIENT_DEPTH_MAX 24

/* One document. The caller asks for what it expects, in the order of the text; after an error every
 * question is answered with false, so that one check at the end is enough. */
struct json {
	char *start, *at, *end;
	const char *error; /* what is wrong at `at`, for people; NULL while nothing is */
	uint32_t fresh; /* a bit for each depth: nothing was read in it yet */
	uint8_t depth;
	bool lenient;
};

enum json_type {
	JSON_NONE, /* no value here, or an error */
	JSON_NULL,
	JSON_BOOLEAN,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* A strict reader. It overwrites the memory. */
void json_init(struct json *json, char *memory, size_t len);
/* A lenient one. */
void json_init_lenient(struct json *json, struct text text);

/* What comes next, by its first character. */
enum json_type json_peek(struct json *json);

/* Each reads the value that comes next. False, and an error, when it is something else. */
bool json_object(struct json *json);
bool json_array(struct json *json);
/* Lenient: the string as it stands between the quotes, for json_unescape. Where its end was not
 * seen, true and what there is of it; that, too, is an error for the next question. */
bool json_string(struct json *json, struct text *ret_text);
/* A whole number 0..max without sign, fraction or exponent. */
bool json_number(struct json *json, uint64_t max, uint64_t *ret_number);
bool json_boolean(struct json *json, bool *ret_boolean);
/* Lenient: a number, true, false or null, as it stands. */
bool json_word(struct json *json, struct text *ret_word);
/* Any value, left as it stands in memory: *ret_raw (may be NULL) can be read by another reader
 * later. The strict reader checks it. */
bool json_skip(struct json *json, struct text *ret_raw);

/* Inside an object or array: goes to the next member or element; false at its end, which is then
 * left, or on an error. A member's value has to be read before the next question. */
bool json_member(struct json *json, struct text *ret_key);
bool json_element(struct json *json);

/* Lenient: leaves the innermost objects and arrays, down to this depth, over what is left in
 * them. */
void json_leave(struct json *json, uint8_t depth);

/* Whether there was no error and nothing but white space is left. */
bool json_end(struct json *json);
/* Where an error was found: bytes from the start. */
size_t json_where(const struct json *json);

/* Takes one character off the front of a string that stays escaped: its bytes in UTF-8, 1 to 4, or
 * 0 at the end. What is no escape stands for itself. */
size_t json_unescape(struct text *raw, char ret_bytes[4]);
/* Whether such a string, unescaped, is `plain`, or starts with it. */
bool json_equals(struct text raw, struct text plain);
bool json_starts_with(struct text raw, struct text plain);

/* Appends the text, number or boolean that the pointer (RFC 6901, "/metadata/task_id") leads to; of
 * members of one name the first. The text may be a part of a document (a lenient reader looks at it
 * up to that value). False, and nothing appended, when there is none, when it is null, an object or
 * a list, or when it does not fit. */
bool json_pointer(struct text document, struct text pointer, struct buf *ret_value);

/* Appends a string with its quotes. The text has to be UTF-8. */
void json_write_string(struct buf *buf, struct text text);
/* Appends the inside of a string, in ASCII. The text has to be UTF-8 without controls. */
void json_write_ascii(struct buf *buf, struct text text);
/* Appends `"key":`, after a comma unless an object or array was just opened. */
void json_write_key(struct buf *buf, const char *key);
/* Appends `"key":"text"` or `"key":number`, after a comma as above; nothing for an empty text, or for
 * 0. */
void json_write_text(struct buf *buf, const char *key, struct text text);
void json_write_number(struct buf *buf, const char *key, uint64_t number);
/* The bytes that json_write_string makes of a text without control characters, but its quotes. */
size_t json_written_bytes(struct text text);
