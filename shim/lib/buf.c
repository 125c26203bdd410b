// SPDX-License-Identifier: MIT
/* The bounded buffer. An overflow sets `full` instead of being reported at each step, so a chain of
 * adds needs one check at its end. */
#include "lib/buf.h"

#include <endian.h>

void buf_init(struct buf *buf, char *memory, size_t size)
{
	*buf = (struct buf){ .data = memory, .size = size };
	memory[0] = '\0';
}

/* Whether so many more bytes fit; sets `full` when they do not. */
static bool fits(struct buf *buf, size_t count)
{
	buf->full = buf->full || count >= buf->size - buf->len;
	return !buf->full;
}

void buf_add(struct buf *buf, struct text text)
{
	if (!fits(buf, text.len))
		return;
	if (text.len)
		memcpy(buf->data + buf->len, text.ptr, text.len);
	buf->len += text.len;
	buf->data[buf->len] = '\0';
}

void buf_char(struct buf *buf, char c)
{
	if (!fits(buf, 1))
		return;
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
}

void buf_number(struct buf *buf, uint64_t number)
{
	char digits[20]; /* 2^64 has 20 */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	buf_add(buf, (struct text){ digits + at, sizeof(digits) - at });
}

/* Two nibbles of each byte, then a digit of each nibble; what the compiler has vector instructions
 * for. */
void hex_digits(char ret_digits[HEX_STEP_DIGITS], const uint8_t bytes[HEX_STEP_BYTES])
{
	typedef uint8_t bytes8 __attribute__((vector_size(8)));
	typedef uint16_t pairs8 __attribute__((vector_size(16)));
	typedef uint8_t nibbles16 __attribute__((vector_size(16)));
	nibbles16 nibbles;
	pairs8 pairs;
	bytes8 eight;

	memcpy(&eight, bytes, sizeof(eight));
	pairs = __builtin_convertvector(eight, pairs8);
	/* Not shifts: GCC's analyzer takes a vector's for one of a single byte. */
	pairs = __BYTE_ORDER == __LITTLE_ENDIAN ? pairs / 16 + pairs % 16 * 256 :
						  pairs / 16 * 256 + pairs % 16;
	nibbles = (nibbles16)pairs;
	nibbles += '0' + ((nibbles16)(nibbles > 9) & ('a' - '9' - 1));
	memcpy(ret_digits, &nibbles, sizeof(nibbles));
}

void buf_hex(struct buf *buf, const uint8_t *bytes, size_t count)
{
	if (!fits(buf, 2 * count))
		return;
	for (size_t i = 0; i < count; i += HEX_STEP_BYTES) {
		size_t part = count - i < HEX_STEP_BYTES ? count - i : HEX_STEP_BYTES;
		uint8_t some[HEX_STEP_BYTES] = { 0 };
		char digits[HEX_STEP_DIGITS];

		memcpy(some, bytes + i, part);
		hex_digits(digits, some);
		memcpy(buf->data + buf->len, digits, 2 * part);
		buf->len += 2 * part;
	}
	buf->data[buf->len] = '\0';
}

void buf_cut(struct buf *buf, size_t len)
{
	buf->len = len;
	buf->data[len] = '\0';
	buf->full = false;
}

struct text buf_since(const struct buf *buf, size_t from)
{
	return (struct text){ buf->data + from, buf->len - from };
}
