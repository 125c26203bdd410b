// SPDX-License-Identifier: MIT
/* Characters: which may stand where in a header, and how the others are written. Everything here
 * works on bytes, never on the host's locale. */
#include "lib/chars.h"

bool chars_are_token(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!ascii_is_alnum(c) && text_find(TEXT("!#$%&'*+-.^_`|~"), c) < 0)
			return false;
	}
	return text.len > 0;
}

bool char_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7F;
}

/* How many bytes follow this lead byte, or -1. */
static int utf8_trail(uint8_t lead)
{
	if (lead < 0x80)
		return 0;
	if ((lead & 0xE0) == 0xC0)
		return 1;
	if ((lead & 0xF0) == 0xE0)
		return 2;
	return (lead & 0xF8) == 0xF0 ? 3 : -1;
}

bool utf8_next(struct text *rest, uint32_t *ret_code_point)
{
	static const uint32_t lowest[] = { 0, 0x80, 0x800, 0x10000 }; /* by trail bytes */
	uint32_t point;
	int trail;

	if (!rest->len)
		return false;
	trail = utf8_trail((uint8_t)rest->ptr[0]);
	if (trail < 0 || rest->len <= (size_t)trail)
		return false;
	point = (uint8_t)rest->ptr[0] & (trail ? 0x3Fu >> trail : 0x7Fu);
	for (int i = 1; i <= trail; i++) {
		uint8_t byte = (uint8_t)rest->ptr[i];

		if ((byte & 0xC0) != 0x80)
			return false;
		point = point << 6 | (byte & 0x3F);
	}
	if (point < lowest[trail] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
		return false;
	*rest = text_from(*rest, (size_t)trail + 1);
	*ret_code_point = point;
	return true;
}

size_t utf8_encode(int32_t point, char ret_bytes[4])
{
	static const uint8_t lead[] = { 0, 0xC0, 0xE0, 0xF0 };
	size_t trail = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

	for (size_t i = trail; i > 0; i--) {
		ret_bytes[i] = (char)(0x80 | (point & 0x3F));
		point >>= 6;
	}
	ret_bytes[0] = (char)(lead[trail] | point);
	return trail + 1;
}

void percent_add(struct buf *buf, char byte)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_char(buf, '%');
	buf_char(buf, digits[(uint8_t)byte >> 4]);
	buf_char(buf, digits[(uint8_t)byte & 15]);
}
