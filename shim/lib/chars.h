/* SPDX-License-Identifier: MIT */
/* The character sets and escapes that header values share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

/* One or more tchar (RFC 9110 section 5.6.2). */
bool chars_are_token(struct text text);

/* Below 0x20, or 0x7F. */
bool char_is_control(char c);

/* Takes one character off the front of *rest. False at the end, and where the bytes are no UTF-8
 * (RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF); *rest then stays. */
bool utf8_next(struct text *rest, uint32_t *ret_code_point);

/* The bytes of a character, 1 to 4, and how many they are. A surrogate is encoded as it is. */
size_t utf8_encode(int32_t point, char ret_bytes[4]);

/* Appends "%" and two upper-case digits (RFC 3986 section 2.1). */
void percent_add(struct buf *buf, char byte);
