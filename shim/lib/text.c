// SPDX-License-Identifier: MIT
/* Borrowed text: comparing, trimming and splitting by ASCII rules, without a locale, so that a
 * host's setlocale() changes nothing. */
#include "lib/text.h"

#include <stdlib.h>

char *string_copy(const char *string)
{
	size_t bytes = strlen(string) + 1;
	char *copy = malloc(bytes);

	return copy ? memcpy(copy, string, bytes) : NULL;
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
