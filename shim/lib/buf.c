// SPDX-License-Identifier: MIT
/* The bounded buffer. An overflow sets `full` instead of being reported at each step, so a chain of
 * adds needs one check at its end. */
#include "lib/buf.h"

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

void buf_hex(struct buf *buf, const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	char *at = buf->data + buf->len;

	if (!fits(buf, 2 * count))
		return;
	for (const uint8_t *end = bytes + count; bytes < end; bytes++, at += 2) {
		at[0] = digits[*bytes >> 4];
		at[1] = digits[*bytes & 15];
	}
	*at = '\0';
	buf->len += 2 * count;
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
