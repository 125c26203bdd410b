// SPDX-License-Identifier: MIT
/* The walk through a body. Nothing here allocates, recurses, or looks at a byte twice but for those of
 * short words. */
#include "lib/json.h"

#include <stdint.h>

#include "lib/chars.h"

struct scan scan_start(struct text body)
{
	return (struct scan){ .at = body.ptr, .end = body.ptr + body.len };
}

static bool breaks(struct scan *scan)
{
	scan->broken = true;
	return false;
}

char scan_peek(struct scan *scan)
{
	if (scan->broken)
		return '\0';
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' ||
					*scan->at == '\r' || *scan->at == '\n'))
		scan->at++;
	return scan->at < scan->end ? *scan->at : '\0';
}

bool scan_enter(struct scan *scan, char opening)
{
	if (scan_peek(scan) != opening)
		return breaks(scan);
	scan->at++;
	return true;
}

/* Past the comma to the next one; false at the closing bracket. */
static bool advance(struct scan *scan, bool *first, char closing)
{
	char c = scan_peek(scan);

	if (c == closing && !scan->broken) {
		scan->at++;
		return false;
	}
	if (!*first) {
		if (c != ',')
			return breaks(scan);
		scan->at++;
	}
	*first = false;
	return scan_peek(scan) != '\0' || breaks(scan);
}

bool scan_member(struct scan *scan, bool *first, struct text *ret_key)
{
	if (!advance(scan, first, '}') || !scan_string(scan, ret_key) || scan->broken)
		return false;
	if (scan_peek(scan) != ':')
		return breaks(scan);
	scan->at++;
	return true;
}

bool scan_element(struct scan *scan, bool *first)
{
	return advance(scan, first, ']');
}

/* Whether an odd number of backslashes stands before a quote: then it is part of the string. */
static bool is_escaped(const char *start, const char *quote)
{
	const char *at = quote;

	while (at > start && at[-1] == '\\')
		at--;
	return (quote - at) & 1;
}

bool scan_string(struct scan *scan, struct text *ret_raw)
{
	const char *start, *quote;

	if (scan_peek(scan) != '"')
		return breaks(scan);
	start = ++scan->at;
	do {
		quote = memchr(scan->at, '"', (size_t)(scan->end - scan->at));
		scan->at = quote ? quote + 1 : scan->end;
	} while (quote && is_escaped(start, quote));
	scan->broken = !quote;
	if (!quote)
		quote = scan->end;
	*ret_raw = (struct text){ start, (size_t)(quote - start) };
	return true;
}

bool scan_word(struct scan *scan, struct text *ret_word)
{
	const char *start;

	scan_peek(scan);
	start = scan->at;
	while (!scan->broken && scan->at < scan->end &&
	       (ascii_is_alnum(*scan->at) || *scan->at == '-' || *scan->at == '+' ||
		*scan->at == '.'))
		scan->at++;
	/* At the very end it may be half a word. */
	if (scan->at == start || scan->at == scan->end)
		return breaks(scan);
	*ret_word = (struct text){ start, (size_t)(scan->at - start) };
	return true;
}

/* Past the bracket that closes the one that comes next. What else is inside does not matter, but for
 * strings, which can hold brackets. */
static void skip_brackets(struct scan *scan)
{
	size_t depth = 0;
	struct text text;

	while (!scan->broken && scan->at < scan->end) {
		switch (*scan->at) {
		case '"':
			scan_string(scan, &text);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		default:
			break;
		}
		scan->at++;
		if (!depth)
			return;
	}
	scan->broken = true;
}

void scan_skip(struct scan *scan)
{
	struct text text;

	switch (scan_peek(scan)) {
	case '"':
		scan_string(scan, &text);
		break;
	case '{':
	case '[':
		skip_brackets(scan);
		break;
	default:
		scan_word(scan, &text);
	}
}

/* The four digits at raw + at, or -1. */
static int32_t unit_at(struct text raw, size_t at)
{
	int32_t unit = 0;

	if (raw.len < at + 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = ascii_hex_value(raw.ptr[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* "\uXXXX" at the front, and its second half where it is a surrogate (RFC 8259 section 7). */
static size_t unescape_unit(struct text *raw, char bytes[4])
{
	int32_t high = unit_at(*raw, 2), low;

	if (high < 0)
		return 0;
	*raw = text_from(*raw, 6);
	if (high < 0xD800 || high > 0xDBFF || !text_starts_with(*raw, TEXT("\\u")))
		return utf8_encode(high, bytes);
	low = unit_at(*raw, 2);
	if (low < 0xDC00 || low > 0xDFFF)
		return utf8_encode(high, bytes);
	*raw = text_from(*raw, 6);
	return utf8_encode(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), bytes);
}

size_t scan_unescape(struct text *raw, char ret_bytes[4])
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *at = raw->ptr, *name = NULL;
	bool escaped;
	size_t count;

	if (!raw->len)
		return 0;
	escaped = at[0] == '\\' && raw->len > 1;
	count = escaped && at[1] == 'u' ? unescape_unit(raw, ret_bytes) : 0;
	if (count)
		return count;
	if (escaped && at[1])
		name = strchr(names, at[1]);
	ret_bytes[0] = name ? values[name - names] : at[0];
	*raw = text_from(*raw, name ? 2 : 1);
	return 1;
}

bool scan_says(struct text raw, struct text plain)
{
	char bytes[4];
	size_t count;

	while ((count = scan_unescape(&raw, bytes))) {
		if (!text_starts_with(plain, (struct text){ bytes, count }))
			return false;
		plain = text_from(plain, count);
	}
	return !plain.len;
}
