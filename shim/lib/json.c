// SPDX-License-Identifier: MIT
/*
 * The JSON reader. What arrives here comes from other programs, so nothing is repaired:
 * RFC 8259 to the letter, and beyond it what I-JSON (RFC 7493) asks for, no lone surrogates.
 */
#include "lib/json.h"

#include "lib/chars.h"

void json_init(struct json *json, char *memory, size_t len)
{
	*json = (struct json){ .start = memory, .at = memory, .end = memory + len };
}

static bool fail(struct json *json, const char *error)
{
	if (!json->error)
		json->error = error;
	return false;
}

/* The next character that is no white space; NUL at the end and after a error (a NUL in the text
 * is no token either, so the two need not be told apart). */
static char look(struct json *json)
{
	if (json->error)
		return '\0';
	while (json->at < json->end &&
	       (*json->at == ' ' || *json->at == '\t' || *json->at == '\r' || *json->at == '\n'))
		json->at++;
	return json->at < json->end ? *json->at : '\0';
}

enum json_type json_peek(struct json *json)
{
	char c = look(json);

	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOLEAN;
	case 'n':
		return JSON_NULL;
	default:
		return c == '-' || ascii_is_digit(c) ? JSON_NUMBER : JSON_NONE;
	}
}

static bool enter(struct json *json, char opening, const char *error)
{
	if (look(json) != opening)
		return fail(json, error);
	if (json->depth == JSON_DEPTH_MAX)
		return fail(json, "nested too deep");
	json->at++;
	json->depth++;
	json->fresh |= (uint16_t)(1u << json->depth);
	return true;
}

bool json_object(struct json *json)
{
	return enter(json, '{', "an object is wanted here");
}

bool json_array(struct json *json)
{
	return enter(json, '[', "an array is wanted here");
}

/* To the next thing in the innermost object or array; false at its end, which is left. */
static bool advance(struct json *json, char closing)
{
	uint16_t bit = (uint16_t)(1u << json->depth);
	char c = look(json);

	if (c == closing) {
		json->at++;
		json->depth--;
		return false;
	}
	if (!(json->fresh & bit)) {
		if (c != ',')
			return fail(json, "a comma or the end is wanted here");
		json->at++;
	}
	json->fresh &= (uint16_t)~bit;
	return !json->error;
}

/* The four digits behind "\u", or -1. */
static int32_t take_unit(struct json *json)
{
	int32_t unit = 0;

	if (json->end - json->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = ascii_hex_value(json->at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	json->at += 4;
	return unit;
}

/* Behind "\u": a character, which may need a second escape (RFC 8259 section 7). Or -1. */
static int32_t take_escaped(struct json *json)
{
	int32_t low, high = take_unit(json);

	if (high < 0xD800 || high > 0xDFFF)
		return high;
	if (high > 0xDBFF || json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
		return -1;
	json->at += 2;
	low = take_unit(json);
	if (low < 0xDC00 || low > 0xDFFF)
		return -1;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* Behind a backslash: what it stands for, encoded. 0 when it stands for nothing. */
static size_t take_escape(struct json *json, char bytes[4])
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char c = json->at < json->end ? *json->at++ : '\0';
	const char *name = c ? strchr(names, c) : NULL;
	int32_t point;

	if (name) {
		bytes[0] = values[name - names];
		return 1;
	}
	point = c == 'u' ? take_escaped(json) : -1;
	return point < 0 ? 0 : utf8_encode(point, bytes);
}

/* One unescaped character of a string: its bytes, or 0 for what may not stand there. */
static size_t plain_bytes(const struct json *json)
{
	struct text rest = { json->at, (size_t)(json->end - json->at) };
	uint32_t point;

	/* DEL is a control character to us, but not to JSON. */
	if ((uint8_t)*json->at < 0x20)
		return 0;
	if ((uint8_t)*json->at < 0x80)
		return 1;
	if (!utf8_next(&rest, &point))
		return 0;
	return (size_t)(json->end - json->at) - rest.len;
}

/* An escape is never shorter than what it stands for, so the text is moved left as it is read. With
 * `keep` unset the memory stays as it is. */
static bool take_string(struct json *json, bool keep, struct text *ret_text)
{
	char *start, *to;

	if (look(json) != '"')
		return fail(json, "a string is wanted here");
	start = to = ++json->at;
	while (json->at < json->end && *json->at != '"') {
		char bytes[4];
		const char *from = json->at;
		size_t count;

		if (*json->at == '\\') {
			json->at++;
			count = take_escape(json, bytes);
			from = bytes;
		} else {
			count = plain_bytes(json);
			json->at += count;
		}
		if (!count)
			return fail(json, "a string has a bad escape, a control character, or is "
					  "not UTF-8");
		if (keep)
			memmove(to, from, count);
		to += count;
	}
	if (json->at == json->end)
		return fail(json, "a string has no end");
	json->at++;
	*ret_text = (struct text){ start, (size_t)(to - start) };
	return true;
}

bool json_string(struct json *json, struct text *ret_text)
{
	return take_string(json, true, ret_text);
}

static bool next_member(struct json *json, bool keep, struct text *ret_key)
{
	if (!advance(json, '}') || !take_string(json, keep, ret_key))
		return false;
	if (look(json) != ':')
		return fail(json, "a colon is wanted here");
	json->at++;
	return true;
}

bool json_member(struct json *json, struct text *ret_key)
{
	return next_member(json, true, ret_key);
}

bool json_element(struct json *json)
{
	return advance(json, ']');
}

static bool take_word(struct json *json, struct text word)
{
	struct text rest;

	look(json);
	rest = (struct text){ json->at, (size_t)(json->end - json->at) };
	if (json->error || !text_starts_with(rest, word))
		return fail(json, "this is no value");
	json->at += word.len;
	return true;
}

bool json_boolean(struct json *json, bool *ret_boolean)
{
	bool is_true = look(json) == 't';

	if (!take_word(json, is_true ? TEXT("true") : TEXT("false")))
		return false;
	*ret_boolean = is_true;
	return true;
}

static size_t take_digits(struct json *json)
{
	const char *from = json->at;

	while (json->at < json->end && ascii_is_digit(*json->at))
		json->at++;
	return (size_t)(json->at - from);
}

static bool at_char(const struct json *json, const char *set)
{
	return json->at < json->end && *json->at && strchr(set, *json->at);
}

/* RFC 8259 section 6: no sign but "-", no leading zero. */
static bool take_digits_of_integer(struct json *json)
{
	const char *first = json->at;
	size_t count = take_digits(json);

	return count == 1 || (count && *first != '0');
}

static bool take_number(struct json *json, struct text *ret_number)
{
	const char *start;
	bool good;

	look(json);
	start = json->at;
	if (at_char(json, "-"))
		json->at++;
	good = take_digits_of_integer(json);
	if (good && at_char(json, ".")) {
		json->at++;
		good = take_digits(json) > 0;
	}
	if (good && at_char(json, "eE")) {
		json->at++;
		if (at_char(json, "+-"))
			json->at++;
		good = take_digits(json) > 0;
	}
	if (!good)
		return fail(json, "a number is wanted here");
	*ret_number = (struct text){ start, (size_t)(json->at - start) };
	return !json->error;
}

bool json_number(struct json *json, uint64_t max, uint64_t *ret_number)
{
	struct text text;
	uint64_t number = 0;

	if (!take_number(json, &text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)(text.ptr[i] - '0');

		if (!ascii_is_digit(text.ptr[i]) || digit > max || number > (max - digit) / 10)
			return fail(json, "a whole number in range is wanted here");
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

static bool skip_value(struct json *json)
{
	struct text text;
	bool boolean;

	switch (json_peek(json)) {
	case JSON_OBJECT:
		/* Recursion: as deep as JSON_DEPTH_MAX. */
		for (json_object(json); next_member(json, false, &text);)
			skip_value(json);
		break;
	case JSON_ARRAY:
		for (json_array(json); json_element(json);)
			skip_value(json);
		break;
	case JSON_STRING:
		take_string(json, false, &text);
		break;
	case JSON_NUMBER:
		take_number(json, &text);
		break;
	case JSON_BOOLEAN:
		json_boolean(json, &boolean);
		break;
	case JSON_NULL:
		take_word(json, TEXT("null"));
		break;
	case JSON_NONE:
		fail(json, "a value is wanted here");
		break;
	}
	return !json->error;
}

bool json_skip(struct json *json, struct text *ret_raw)
{
	const char *start;

	look(json);
	start = json->at;
	if (!skip_value(json))
		return false;
	if (ret_raw)
		*ret_raw = (struct text){ start, (size_t)(json->at - start) };
	return true;
}

bool json_end(struct json *json)
{
	look(json);
	if (!json->error && (json->depth || json->at < json->end))
		fail(json, "something follows the end");
	return !json->error;
}

size_t json_where(const struct json *json)
{
	return (size_t)(json->at - json->start);
}
