/* SPDX-License-Identifier: MIT */
/*
 * A walk through the JSON of a request body, as far as is needed and no further. Unlike the reader
 * in json/, it changes nothing, checks no more than it must to find its way, and may run into the
 * end of what it was given to see: a body can be hundreds of megabytes long.
 */
#ifndef TAGALONG_CORE_JSON_SCAN_H
#define TAGALONG_CORE_JSON_SCAN_H

#include <stdbool.h>

#include "lib/text.h"

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

#endif
