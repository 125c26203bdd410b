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
 * One document. The caller asks for what it expects, in the order of the text; after a error every
 * question is answered with false, so that one check at the end is enough.
 */
struct json {
	char *start, *at, *end;
	const char *error; /* what is wrong at `at`, for people; NULL while nothing is */
	uint8_t depth;
	uint16_t fresh; /* a bit for each depth: nothing was read in it yet */
};

enum json_type {
	JSON_NONE, /* no value here, or a error */
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

/* Each takes the value that comes next. False, and a error, when it is something else. */
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
 * left, or on a error. A member's value has to be taken before the next question. */
bool json_member(struct json *json, struct text *ret_key);
bool json_element(struct json *json);

/* Whether there was no error and nothing but white space is left. */
bool json_end(struct json *json);
/* Where a error was found: bytes from the start. */
size_t json_where(const struct json *json);

/* Appends a string with its quotes. The text has to be UTF-8. */
void json_write_string(struct buf *buf, struct text text);
/* Appends `"key":`, after a comma unless an object or array was just opened. */
void json_write_key(struct buf *buf, const char *key);
/* The bytes that json_write_string makes of a text without control characters, but its quotes. */
size_t json_written_bytes(struct text text);

/*
 * A walk through the JSON of a request body, as far as is needed and no further. Unlike the reader
 * in json/, it changes nothing, checks no more than it must to find its way, and may run into the
 * end of what it was given to see: a body can be hundreds of megabytes long.
 */

struct scan {
	const char *at, *end;
	bool broken; /* no JSON, or its end was not seen: every further question is answered no */
};

struct scan scan_start(struct text body);

/* The first character of what comes next, white space passed over; NUL at the end. Not taken. */
char scan_peek(struct scan *scan);

/* Takes "{" or "[". */
bool scan_enter(struct scan *scan, char opening);
/* Goes to the next member or element; false at the end of the object or array, which is then left,
 * or where the body is broken. *first is to be true at the first call. A value has to be taken
 * before the next question. */
bool scan_member(struct scan *scan, bool *first, struct text *ret_key);
bool scan_element(struct scan *scan, bool *first);

/* Takes a string: what stands between the quotes, not unescaped. Where its end is not seen, the text
 * is what there is of it, and the scan is broken. False when there is no string. */
bool scan_string(struct scan *scan, struct text *ret_raw);
/* Takes a number, true, false or null: its text. */
bool scan_word(struct scan *scan, struct text *ret_word);
/* Takes any value. */
void scan_skip(struct scan *scan);

/* Takes one character off the front of a raw string, unescaped, as UTF-8: its bytes, 1 to 4, or 0 at
 * the end. What is no escape stands for itself. */
size_t scan_unescape(struct text *raw, char ret_bytes[4]);
/* Whether a raw string says this, once it is unescaped. */
bool scan_says(struct text raw, struct text plain);

/*
 * Appends the text, number or boolean that the pointer (RFC 6901, "/metadata/task_id") leads to; of
 * members of one name the first. The body is looked at up to that value, and up to BODY_BYTES_MAX.
 * False, and nothing appended, when there is none, when it is null, an object or a list, or when it
 * does not fit.
 */
bool pointer_value(struct text body, struct text pointer, struct buf *ret_value);

#endif
