/* SPDX-License-Identifier: MIT */
/* What may be a header of ours: RFC 9110 names, safe values, and the names that are never set. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

/* RFC 9110 section 5.1 token, without "_" (nginx drops such names), at most NAME_BYTES_MAX. */
bool header_name_ok(struct text name);

/* Credentials, framing and provider control headers (docs: "never set"), in any letter case. */
bool header_name_forbidden(struct text name);
/* Of those, the credentials, whose value is not passed on under another name either. */
bool header_name_secret(struct text name);

/* Whether two names are one header's: without letter case, and "_" is "-", as CGI relays take
 * it. */
bool header_name_eq(struct text a, struct text b);

/* A bit for names of this length and first letter: a cheap pre-filter, as equal names have the same
 * bit. */
#define HEADER_NAME_BIT(len, letter) ((uint64_t)1 << ((2 * (len) + 13 * ((letter)&31)) & 63))
uint64_t header_name_bit(struct text name);
/* The same by the first two letters, before the end of a name is looked for. "_" has another bit than
 * "-", so a filter has both. */
#define HEADER_START(a, b) ((((a)&31) * 5 + ((b)&31)) & 63)
#define HEADER_START_BIT(a, b) ((uint64_t)1 << HEADER_START(a, b))
#define HEADER_START_BITS(a, b) \
	(HEADER_START_BIT(a, b) | ((b) == '-' ? HEADER_START_BIT(a, '_') : 0))

/* Some names, as such filters. */
struct header_filter {
	uint64_t names, starts;
};
void header_filter_add(struct header_filter *filter, struct text name);
/* Whether the line may be of one of them: most are not. */
static inline bool header_may_start(uint64_t starts, const char *line)
{
	return line[0] && starts >> HEADER_START(line[0], line[1]) & 1;
}

enum header_error {
	HEADER_OK,
	HEADER_EMPTY,
	HEADER_TOO_LONG, /* for the value limit given */
	HEADER_CONTROL, /* a byte below 0x20, or 0x7F */
	HEADER_BLANKS, /* a leading or trailing blank, or two blanks side by side */
	HEADER_NOT_UTF8
};

/* For people: "has a control character". */
const char *header_error_text(enum header_error error);

/* HEADER_OK, EMPTY, CONTROL or NOT_UTF8: what no encoding of a header makes good. */
enum header_error header_text_error(struct text text);

/* Appends the value as it may be sent: visible ASCII and single spaces. Where it has a byte above
 * 0x7E, such bytes and every "%" are percent-encoded (RFC 3986 section 2.1), so that the receiver
 * can decode it; pure ASCII goes as it is. max_bytes bounds the encoded value. On an error nothing
 * is appended. */
enum header_error header_value_add(struct buf *buf, struct text value, size_t max_bytes);

/* The name and the value of a header line "Name: x", "Name:", "Name;" as libcurl's lists have them:
 * what is before the first ":", without blanks at the end, and all behind it; where there is none, what
 * is before the first ";", else the whole line, and no value. */
void header_line_split(struct text line, struct text *ret_name, struct text *ret_value);
struct text header_line_name(struct text line);

/* Whether a text of such lines has one of this name (as of header_name_eq): a client_sets of
 * core/request.h; arg is the text, which may be NULL. */
bool header_lines_have(void *arg, struct text name);
