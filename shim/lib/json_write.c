// SPDX-License-Identifier: MIT
/* The JSON writer. Texts that are written were checked where they came in. */
#include "lib/json.h"

#include "lib/chars.h"

static bool needs_escape(char c)
{
	return c == '"' || c == '\\' || (uint8_t)c < 0x20;
}

static void write_escape(struct buf *buf, char c)
{
	uint8_t byte = (uint8_t)c;

	if (byte >= 0x20) {
		buf_char(buf, '\\');
		buf_char(buf, c);
		return;
	}
	buf_add(buf, TEXT("\\u00"));
	buf_hex(buf, &byte, 1);
}

void json_write_string(struct buf *buf, struct text text)
{
	size_t from = 0;

	buf_char(buf, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (!needs_escape(text.ptr[i]))
			continue;
		buf_add(buf, (struct text){ text.ptr + from, i - from });
		write_escape(buf, text.ptr[i]);
		from = i + 1;
	}
	buf_add(buf, text_from(text, from));
	buf_char(buf, '"');
}

void json_write_key(struct buf *buf, const char *key)
{
	char last = buf->len ? buf->data[buf->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_char(buf, ',');
	json_write_string(buf, text_of(key));
	buf_char(buf, ':');
}

void json_write_text(struct buf *buf, const char *key, struct text text)
{
	if (!text.len)
		return;
	json_write_key(buf, key);
	json_write_string(buf, text);
}

void json_write_number(struct buf *buf, const char *key, uint64_t number)
{
	if (!number)
		return;
	json_write_key(buf, key);
	buf_number(buf, number);
}

size_t json_written_bytes(struct text text)
{
	size_t bytes = text.len;

	for (size_t i = 0; i < text.len; i++)
		bytes += text.ptr[i] == '"' || text.ptr[i] == '\\';
	return bytes;
}

static void write_unit(struct buf *buf, uint32_t unit)
{
	uint8_t bytes[] = { (uint8_t)(unit >> 8), (uint8_t)unit };

	buf_add(buf, TEXT("\\u"));
	buf_hex(buf, bytes, sizeof(bytes));
}

void json_write_ascii(struct buf *buf, struct text text)
{
	uint32_t point;

	while (utf8_next(&text, &point)) {
		if (point >= 0x10000) {
			/* A surrogate pair (RFC 8259 section 7). */
			write_unit(buf, 0xD800 + ((point - 0x10000) >> 10));
			write_unit(buf, 0xDC00 + ((point - 0x10000) & 0x3FF));
		} else if (point >= 0x80) {
			write_unit(buf, point);
		} else {
			if (point == '"' || point == '\\')
				buf_char(buf, '\\');
			buf_char(buf, (char)point);
		}
	}
}
