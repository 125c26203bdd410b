// SPDX-License-Identifier: MIT
/* Borrowed text: comparing, trimming and splitting by ASCII rules, without a locale, so that a
 * host's setlocale() changes nothing. */
#include "base/text.h"

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ascii_is_alnum(char c)
{
	char lower = ascii_lower(c);

	return ascii_is_digit(c) || (lower >= 'a' && lower <= 'z');
}

bool ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool text_eq(struct text a, struct text b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

bool text_eq_nocase(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	}
	return true;
}

bool text_starts_with(struct text text, struct text prefix)
{
	return text.len >= prefix.len && text_eq((struct text){ text.ptr, prefix.len }, prefix);
}

bool text_ends_with(struct text text, struct text suffix)
{
	return text.len >= suffix.len &&
	       text_eq(text_from(text, text.len - suffix.len), suffix);
}

bool text_ends_with_nocase(struct text text, struct text suffix)
{
	return text.len >= suffix.len &&
	       text_eq_nocase(text_from(text, text.len - suffix.len), suffix);
}

struct text text_trim(struct text text)
{
	while (text.len && ascii_is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len && ascii_is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

struct text text_from(struct text text, size_t from)
{
	if (from >= text.len)
		return (struct text){ NULL, 0 };
	return (struct text){ text.ptr + from, text.len - from };
}

ptrdiff_t text_find(struct text text, char c)
{
	const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;

	return at ? at - text.ptr : -1;
}

ptrdiff_t text_find_last(struct text text, char c)
{
	for (size_t i = text.len; i-- > 0;) {
		if (text.ptr[i] == c)
			return (ptrdiff_t)i;
	}
	return -1;
}

bool text_next(struct text *rest, char separator, struct text *ret_part)
{
	ptrdiff_t at;

	if (!rest->len)
		return false;
	at = text_find(*rest, separator);
	if (at < 0) {
		*ret_part = *rest;
		*rest = (struct text){ NULL, 0 };
		return true;
	}
	*ret_part = (struct text){ rest->ptr, (size_t)at };
	*rest = text_from(*rest, (size_t)at + 1);
	return true;
}

bool text_number(struct text text, unsigned long max, unsigned long *ret_number)
{
	unsigned long number = 0;

	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned long digit;

		if (!ascii_is_digit(text.ptr[i]))
			return false;
		digit = (unsigned long)(text.ptr[i] - '0');
		if (number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}
