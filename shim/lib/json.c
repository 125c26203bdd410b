// SPDX-License-Identifier: MIT
/* The JSON reader. The two modes share what objects, lists and escapes look like; they differ in
 * strings (unescaped in place and checked, or left alone) and in what is skipped (checked, or only
 * counted by its brackets). */
#include "lib/json.h"

#include "lib/chars.h"
#include "lib/limits.h"

void json_init(struct json *json, char *memory, size_t len)
{
	*json = (struct json){ .start = memory, .at = memory, .end = memory + len };
}

void json_init_lenient(struct json *json, struct text text)
{
	char *start = (char *)text.ptr; /* nothing is written through it */

	*json = (struct json){
		.start = start, .at = start, .end = start + text.len, .lenient = true
	};
}

static bool fail(struct json *json, const char *error)
{
	if (!json->error)
		json->error = error;
	return false;
}

/* The next character that is no white space; NUL at the end and after an error (a NUL in the text
 * is no token either, so the two cases are the same). */
static inline char look(struct json *json)
{
	for (; !json->error && json->at < json->end; json->at++) {
		char c = *json->at;

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return c;
	}
	return '\0';
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
	if (json->depth == (json->lenient ? JSON_LENIENT_DEPTH_MAX : JSON_DEPTH_MAX))
		return fail(json, "nested too deep");
	json->at++;
	json->depth++;
	json->fresh |= (uint32_t)1 << json->depth;
	return true;
}

bool json_object(struct json *json)
{
	return enter(json, '{', "expected an object");
}

bool json_array(struct json *json)
{
	return enter(json, '[', "expected an array");
}

/* To the next thing in the innermost object or array; false at its end, which is left. */
static bool advance(struct json *json, char closing)
{
	uint32_t bit = (uint32_t)1 << json->depth;
	char c = look(json);

	if (c == closing) {
		json->at++;
		json->depth--;
		return false;
	}
	if (!(json->fresh & bit)) {
		if (c != ',')
			return fail(json, "expected a comma or a closing bracket");
		json->at++;
		c = look(json);
	}
	json->fresh &= ~bit;
	return c || (!json->lenient && !json->error) || fail(json, "expected a value");
}

/* The four hexadecimal digits at raw + at, or -1. */
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

/* The escape at the front of a text that starts with a backslash, encoded: its bytes, or 0 when it
 * is none. A surrogate needs a second escape (RFC 8259 section 7). */
static size_t take_escape(struct text *raw, char bytes[4])
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name = raw->len > 1 && raw->ptr[1] ?
				   memchr(names, raw->ptr[1], sizeof(names) - 1) :
				   NULL;
	int32_t point, low;
	size_t len = 6;

	if (name) {
		bytes[0] = values[name - names];
		*raw = text_from(*raw, 2);
		return 1;
	}
	point = raw->len > 1 && raw->ptr[1] == 'u' ? unit_at(*raw, 2) : -1;
	if (point >= 0xD800 && point <= 0xDFFF) {
		low = point < 0xDC00 && text_starts_with(text_from(*raw, 6), TEXT("\\u")) ?
			      unit_at(*raw, 8) :
			      -1;
		if (low < 0xDC00 || low > 0xDFFF)
			return 0;
		point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
		len = 12;
	}
	if (point < 0)
		return 0;
	*raw = text_from(*raw, len);
	return utf8_encode(point, bytes);
}

size_t json_unescape(struct text *raw, char ret_bytes[4])
{
	struct text rest = *raw;
	size_t count = 0;

	if (!rest.len)
		return 0;
	if (rest.ptr[0] == '\\')
		count = take_escape(&rest, ret_bytes);
	if (!count) {
		ret_bytes[0] = raw->ptr[0];
		rest = text_from(*raw, 1);
		count = 1;
	}
	*raw = rest;
	return count;
}

bool json_starts_with(struct text raw, struct text plain)
{
	char bytes[4];
	size_t count;

	while (plain.len && (count = json_unescape(&raw, bytes))) {
		if (!text_starts_with(plain, (struct text){ bytes, count }))
			return false;
		plain = text_from(plain, count);
	}
	return !plain.len;
}

bool json_equals(struct text raw, struct text plain)
{
	/* A character is never shorter as it stands than as what it stands for. */
	if (raw.len < plain.len)
		return false;
	if (raw.len == plain.len)
		return text_eq(raw, plain);
	for (; raw.len; plain = text_from(plain, 1)) {
		struct text character = raw;
		char bytes[4];
		size_t count = json_unescape(&raw, bytes);

		character.len -= raw.len;
		if (!text_starts_with(plain, (struct text){ bytes, count }))
			return false;
		plain = text_from(plain, count - 1);
	}
	return !plain.len;
}

/* Whether an odd number of backslashes is in front of the quote, which makes it part of the string. */
static bool is_escaped(const char *start, const char *quote)
{
	const char *before = quote;

	while (before > start && before[-1] == '\\')
		before--;
	return (quote - before) & 1;
}

/* Behind the opening quote. */
static bool read_lenient(struct json *json, struct text *ret_raw)
{
	char *start = json->at, *end = json->end, *quote = start;

	while ((quote = memchr(quote, '"', (size_t)(end - quote))) && is_escaped(start, quote))
		quote++;
	json->at = quote ? quote + 1 : end;
	if (!quote)
		fail(json, "unterminated string");
	*ret_raw = (struct text){ start, (size_t)((quote ? quote : end) - start) };
	return true;
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

enum keep { SKIP, KEEP };

/* An escape is never shorter than what it stands for, so the text is moved left as it is read. What
 * is only skipped stays as it is in memory. Not inlined: the lenient reader would pay for its
 * registers. */
__attribute__((noinline)) static bool read_strict(struct json *json, enum keep keep,
						  struct text *ret_text)
{
	char *start = json->at, *to = start;

	while (json->at < json->end && *json->at != '"') {
		struct text rest = { json->at, (size_t)(json->end - json->at) };
		const char *from = json->at;
		char bytes[4];
		size_t count;

		if (*json->at == '\\') {
			count = take_escape(&rest, bytes);
			if (count)
				json->at = json->end - rest.len;
			from = bytes;
		} else {
			count = plain_bytes(json);
			json->at += count;
		}
		if (!count)
			return fail(json, "a string has a bad escape, a control character, or is "
					  "not UTF-8");
		if (keep == KEEP)
			memmove(to, from, count);
		to += count;
	}
	if (json->at == json->end)
		return fail(json, "unterminated string");
	json->at++;
	*ret_text = (struct text){ start, (size_t)(to - start) };
	return true;
}

static bool read_string(struct json *json, enum keep keep, struct text *ret_text)
{
	if (look(json) != '"')
		return fail(json, "expected a string");
	json->at++;
	return json->lenient ? read_lenient(json, ret_text) : read_strict(json, keep, ret_text);
}

bool json_string(struct json *json, struct text *ret_text)
{
	return read_string(json, KEEP, ret_text);
}

static bool next_member(struct json *json, enum keep keep, struct text *ret_key)
{
	if (!advance(json, '}') || !read_string(json, keep, ret_key) || json->error)
		return false;
	if (look(json) != ':')
		return fail(json, "expected a colon");
	json->at++;
	return true;
}

bool json_member(struct json *json, struct text *ret_key)
{
	return next_member(json, KEEP, ret_key);
}

bool json_element(struct json *json)
{
	return advance(json, ']');
}

bool json_word(struct json *json, struct text *ret_word)
{
	const char *start;

	look(json);
	start = json->at;
	while (!json->error && json->at < json->end &&
	       (ascii_is_alnum(*json->at) || *json->at == '-' || *json->at == '+' ||
		*json->at == '.'))
		json->at++;
	/* At the very end it may be half a word. */
	if (json->at == start || json->at == json->end)
		return fail(json, "this is no value");
	*ret_word = (struct text){ start, (size_t)(json->at - start) };
	return true;
}

static bool take_word(struct json *json, struct text word)
{
	look(json);
	if (json->error ||
	    !text_starts_with((struct text){ json->at, (size_t)(json->end - json->at) }, word))
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

/* Moves past one of these characters. */
static bool take_one(struct json *json, const char *set)
{
	bool is_there = json->at < json->end && text_find(text_of(set), *json->at) >= 0;

	json->at += is_there;
	return is_there;
}

/* RFC 8259 section 6: no sign but "-", no leading zero. */
static bool take_number(struct json *json, struct text *ret_number)
{
	const char *start, *first;
	size_t digits;
	bool good;

	look(json);
	start = json->at;
	take_one(json, "-");
	first = json->at;
	digits = take_digits(json);
	good = digits == 1 || (digits && *first != '0');
	if (good && take_one(json, "."))
		good = take_digits(json) > 0;
	if (good && take_one(json, "eE")) {
		take_one(json, "+-");
		good = take_digits(json) > 0;
	}
	if (!good)
		return fail(json, "expected a number");
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
			return fail(json, "expected a whole number in range");
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

static bool skip_strict(struct json *json)
{
	struct text text;
	bool boolean;

	switch (json_peek(json)) {
	case JSON_OBJECT:
		/* Recursion: as deep as JSON_DEPTH_MAX. */
		for (json_object(json); next_member(json, SKIP, &text);)
			skip_strict(json);
		break;
	case JSON_ARRAY:
		for (json_array(json); json_element(json);)
			skip_strict(json);
		break;
	case JSON_STRING:
		read_string(json, SKIP, &text);
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
		fail(json, "expected a value");
		break;
	}
	return !json->error;
}

/* Past so many closing brackets that have no opening one here. What else is between them does not
 * matter, but for strings, which can hold brackets. */
static bool pass_brackets(struct json *json, size_t depth)
{
	struct text text;

	while (!json->error && json->at < json->end) {
		char c = *json->at++;

		if (c == '"')
			read_lenient(json, &text);
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && !--depth)
			return !json->error;
	}
	return fail(json, "the end is missing");
}

void json_leave(struct json *json, uint8_t depth)
{
	if (!json->error && json->depth > depth)
		pass_brackets(json, json->depth - depth);
	json->depth = depth;
}

static bool skip_lenient(struct json *json)
{
	struct text text;
	char c = look(json);

	if (c == '"') {
		json->at++;
		return read_lenient(json, &text) && !json->error;
	}
	if (c != '{' && c != '[')
		return json_word(json, &text);
	json->at++;
	return pass_brackets(json, 1);
}

bool json_skip(struct json *json, struct text *ret_raw)
{
	const char *start;

	look(json);
	start = json->at;
	if (!(json->lenient ? skip_lenient(json) : skip_strict(json)))
		return false;
	if (ret_raw)
		*ret_raw = (struct text){ start, (size_t)(json->at - start) };
	return true;
}

bool json_end(struct json *json)
{
	look(json);
	if (!json->error && (json->depth || json->at < json->end))
		fail(json, "unexpected text after the end");
	return !json->error;
}

size_t json_where(const struct json *json)
{
	return (size_t)(json->at - json->start);
}

/* To the value of the member, or of the element, that this reference token names. */
static bool descend(struct json *json, struct text name)
{
	enum json_type type = json_peek(json);
	struct text key = { NULL, 0 };
	unsigned long index;

	if (type == JSON_OBJECT) {
		json_object(json);
		while (json_member(json, &key)) {
			if (json_equals(key, name))
				return true;
			json_skip(json, NULL);
		}
		return false;
	}
	/* "01" is no index. */
	if (type != JSON_ARRAY || !text_number(name, BODY_BYTES_MAX, &index) ||
	    (name.len > 1 && name.ptr[0] == '0'))
		return false;
	json_array(json);
	while (json_element(json)) {
		if (!index--)
			return true;
		json_skip(json, NULL);
	}
	return false;
}

bool json_pointer(struct text document, struct text pointer, struct buf *ret_value)
{
	size_t start = ret_value->len, count;
	struct text token, text;
	enum json_type type;
	struct json json;
	char bytes[4];

	if (pointer.len && pointer.ptr[0] != '/')
		return false;
	json_init_lenient(&json, document);
	while (pointer.len) {
		char memory[NAME_BYTES_MAX + 1];
		ptrdiff_t slash;
		struct buf name;

		pointer.ptr++; /* the slash; what is behind it may be empty, and is a name then */
		pointer.len--;
		slash = text_find(pointer, '/');
		token = (struct text){ pointer.ptr, slash < 0 ? pointer.len : (size_t)slash };
		buf_init(&name, memory, sizeof(memory));
		/* "~1" and "~0" stand for "/" and "~" (RFC 6901 section 4). */
		for (size_t i = 0; i < token.len; i++) {
			bool escaped = token.ptr[i] == '~' && i + 1 < token.len &&
				       (token.ptr[i + 1] == '0' || token.ptr[i + 1] == '1');

			if (escaped)
				i++;
			buf_char(&name, !escaped ? token.ptr[i] : token.ptr[i] == '0' ? '~' : '/');
		}
		if (name.full || !descend(&json, buf_since(&name, 0)))
			return false;
		pointer = text_from(pointer, token.len);
	}
	type = json_peek(&json);
	if (type == JSON_STRING && json_string(&json, &text)) {
		while (!ret_value->full && (count = json_unescape(&text, bytes)))
			buf_add(ret_value, (struct text){ bytes, count });
	} else if ((type == JSON_NUMBER || type == JSON_BOOLEAN) && json_word(&json, &text)) {
		buf_add(ret_value, text);
	} else {
		return false;
	}
	if (!json.error && !ret_value->full)
		return true;
	buf_cut(ret_value, start);
	return false;
}
