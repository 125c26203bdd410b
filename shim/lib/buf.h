/* SPDX-License-Identifier: MIT */
/* The one bounded buffer: it writes into memory that the caller owns and never grows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"

/* After an add that did not fit, `full` is true, and stays so until buf_cut to a shorter length;
 * what was there before is untouched: an add never writes a part. */
struct buf {
	char *data; /* always NUL-terminated at len */
	size_t len;
	size_t size; /* bytes at data, the NUL's place included */
	bool full;
};

/* size must be at least 1. */
void buf_init(struct buf *buf, char *memory, size_t size);
void buf_add(struct buf *buf, struct text text);
void buf_char(struct buf *buf, char c);
void buf_number(struct buf *buf, uint64_t number);
/* The digits of eight bytes, lower case, without a NUL. */
#define HEX_STEP_BYTES 8
#define HEX_STEP_DIGITS 16
void hex_digits(char ret_digits[HEX_STEP_DIGITS], const uint8_t bytes[HEX_STEP_BYTES]);
/* Lower-case hexadecimal, two characters a byte. */
void buf_hex(struct buf *buf, const uint8_t *bytes, size_t count);
/* Back to a length that the buffer had before; clears `full`. */
void buf_cut(struct buf *buf, size_t len);
/* What was added since `from`. */
struct text buf_since(const struct buf *buf, size_t from);
