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

/* Each byte of the word holds a nibble first. Those of 10 and more, which reach 16 when 6 is added, go
 * on from behind '9' to 'a'. */
uint64_t hex_digits(const uint8_t bytes[4])
{
	const uint64_t each = 0x0101010101010101;
	uint32_t word;
	uint64_t x;

	memcpy(&word, bytes, sizeof(word));
	x = le32toh(word);
	x = (x | x << 16) & 0x0000FFFF0000FFFF;
	x = (x | x << 8) & 0x00FF00FF00FF00FF;
	x = (x >> 4 & 0x000F000F000F000F) | (x & 0x000F000F000F000F) << 8;
	return htole64(x + '0' * each + ((x + 6 * each) >> 4 & each) * ('a' - '9' - 1));
}

void buf_hex(struct buf *buf, const uint8_t *bytes, size_t count)
{
	if (!fits(buf, 2 * count))
		return;
	for (size_t i = 0; i < count; i += 4) {
		uint8_t four[4] = { 0 };
		size_t part = count - i < sizeof(four) ? count - i : sizeof(four);
		uint64_t digits;

		memcpy(four, bytes + i, part);
		digits = hex_digits(four);
		memcpy(buf->data + buf->len, &digits, 2 * part);
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
