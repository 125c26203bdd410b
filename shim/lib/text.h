/* SPDX-License-Identifier: MIT */
/* A borrowed piece of text and the few things done with it. ASCII rules only: no locale. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* ptr may be NULL when len is 0: "no value". A value may hold any byte, NUL too. */
struct text {
	const char *ptr;
	size_t len;
};

/* GCC 11 takes an initializer by names that holds one of these for one that ought to be complete. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })

static inline struct text text_of(const char *string)
{
	return (struct text){ string, string ? strlen(string) : 0 };
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* The value of a hexadecimal digit, or -1. */
static inline int ascii_hex_value(char c)
{
	char lower = ascii_lower(c);

	if (ascii_is_digit(c))
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Space or tab. */
static inline bool ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool text_eq(struct text a, struct text b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

/* Text from byte `from` on; empty when that is past the end. */
static inline struct text text_from(struct text text, size_t from)
{
	if (from >= text.len)
		return (struct text){ NULL, 0 };
	return (struct text){ text.ptr + from, text.len - from };
}

static inline bool text_starts_with(struct text text, struct text prefix)
{
	return text.len >= prefix.len && text_eq((struct text){ text.ptr, prefix.len }, prefix);
}

static inline bool text_ends_with(struct text text, struct text suffix)
{
	return text.len >= suffix.len && text_eq(text_from(text, text.len - suffix.len), suffix);
}

/* A copy, to be freed; NULL without memory. */
char *string_copy(const char *string);

bool text_eq_nocase(struct text a, struct text b);
bool text_ends_with_nocase(struct text text, struct text suffix);

/* Without blanks at both ends. */
struct text text_trim(struct text text);

/* Index of the first or last c, or -1. */
static inline ptrdiff_t text_find(struct text text, char c)
{
	const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;

	return at ? at - text.ptr : -1;
}
ptrdiff_t text_find_last(struct text text, char c);

/* Takes the part before the next `separator` off the front of *rest into *ret_part.
 * False when nothing is left. "a,,b" gives "a", "", "b"; a trailing separator gives no
 * empty part. */
bool text_next(struct text *rest, char separator, struct text *ret_part);

/* A whole decimal number 0..max in *ret_number; false for anything else. */
bool text_number(struct text text, unsigned long max, unsigned long *ret_number);
