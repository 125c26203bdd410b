// SPDX-License-Identifier: MIT
/* The strict JSON reader, by table: what it takes, what it refuses, what it makes of strings. */
#include "suite.h"

#include <stdlib.h>

#include "lib/json.h"

/* On the heap and of exactly its length, so that a sanitizer sees every byte read beyond. */
static char *copy_of(struct text text)
{
	char *copy = malloc(text.len ? text.len : 1);

	if (!copy)
		abort();
	memcpy(copy, text.ptr, text.len);
	return copy;
}

static bool accepts(struct text text)
{
	char *copy = copy_of(text);
	struct json json;
	bool ok;

	json_init(&json, copy, text.len);
	json_skip(&json, NULL);
	ok = json_end(&json);
	CU_ASSERT_FALSE(!ok && !json.error);
	CU_ASSERT_FALSE(memcmp(copy, text.ptr, text.len)); /* skipping changes nothing */
	free(copy);
	return ok;
}

#define ROW(literal) { literal, sizeof(literal) - 1 }

static const struct text good[] = {
	ROW("{}"),
	ROW(" \t\r\n{ }\n"),
	ROW("[]"),
	ROW("[[],{}]"),
	ROW("[[[[[[[[]]]]]]]]"), /* as deep as it goes */
	ROW("0"),
	ROW("-0"),
	ROW("1.5e+10"),
	ROW("1E-2"),
	ROW("123456789012345678901234567890"),
	ROW("true"),
	ROW("[true,false,null]"),
	ROW("\"\""),
	ROW("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""),
	ROW("\"\\ud83d\\ude00\""),
	ROW("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""),
	ROW("\"\x7F\""), /* a control character to us, not to JSON */
	ROW("{\"a\":1,\"b\":{\"c\":[1,2,{\"d\":null}]}}"),
	ROW("{\"\":\"\"}"),
	ROW("{\"a\":1,\"a\":2}"), /* twice: for the one who knows the name to judge */
};

static const struct text bad[] = {
	ROW(""),
	ROW(" "),
	ROW("{"),
	ROW("}"),
	ROW("["),
	ROW("[1,]"),
	ROW("[,1]"),
	ROW("[1 2]"),
	ROW("[1}"),
	ROW("{]"),
	ROW("{\"a\"}"),
	ROW("{\"a\":}"),
	ROW("{\"a\":1,}"),
	ROW("{,\"a\":1}"),
	ROW("{a:1}"),
	ROW("{'a':1}"),
	ROW("{\"a\" 1}"),
	ROW("{\"a\":1 \"b\":2}"),
	ROW("{1:2}"),
	ROW("{} {}"),
	ROW("{}x"),
	ROW("[[[[[[[[[]]]]]]]]]"),
	ROW("00"),
	ROW("01"),
	ROW("-"),
	ROW("+1"),
	ROW(".5"),
	ROW("1."),
	ROW("1.e1"),
	ROW("1e"),
	ROW("1e+"),
	ROW("0x10"),
	ROW("NaN"),
	ROW("Infinity"),
	ROW("tru"),
	ROW("True"),
	ROW("nul"),
	ROW("truefalse"),
	ROW("\""),
	ROW("\"\\"),
	ROW("\"\\\""),
	ROW("\"\\x41\""),
	ROW("\"\\u\""),
	ROW("\"\\u12\""),
	ROW("\"\\u12g4\""),
	ROW("\"\\ud83d\""), /* half a pair */
	ROW("\"\\ude00\\ud83d\""), /* the wrong way round */
	ROW("\"\\ud83d\\u0041\""),
	ROW("\"\\ud83d\\"),
	ROW("\"\n\""),
	ROW("\"\x1F\""),
	ROW("\"\0\""),
	ROW("\"\x80\""),
	ROW("\"\xC3\""),
	ROW("\"\xC0\x80\""), /* not the shortest form */
	ROW("\"\xE0\x80\xAF\""),
	ROW("\"\xED\xA0\x80\""), /* a surrogate */
	ROW("\"\xF4\x90\x80\x80\""), /* above U+10FFFF */
	ROW("\xEF\xBB\xBF{}"), /* a byte order mark */
	ROW("{}\0"),
	ROW("\0"),
	ROW("[1,/* no */2]"),
};

static void documents(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(accepts(good[i]), good[i].ptr);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!accepts(bad[i]), bad[i].ptr);
}

/* No beginning of a document is one itself, and none is read beyond its end. */
static void prefixes(void)
{
	const struct text whole = TEXT("{\"a\":[\"\\ud83d\\ude00\xC3\xA9\",-1.5e+3,true,null]}");

	for (size_t len = 0; len < whole.len; len++)
		CHECK(!accepts((struct text){ whole.ptr, len }), "prefix");
}

static const struct string_row {
	struct text json, text;
} strings[] = {
	{ ROW("\"\""), ROW("") },
	{ ROW("\"abc\""), ROW("abc") },
	{ ROW("\"a\\\"b\\\\c\\/d\""), ROW("a\"b\\c/d") },
	{ ROW("\"\\b\\f\\n\\r\\t\""), ROW("\b\f\n\r\t") },
	{ ROW("\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\""),
	  ROW("A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") },
	{ ROW("\"\\u0000x\""), ROW("\0x") },
	{ ROW("\"\\uffff\""), ROW("\xEF\xBF\xBF") },
	{ ROW("\"\\u007f\\u0080\\u07ff\\u0800\""), ROW("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80") },
	{ ROW("\"\xC3\xA9\""), ROW("\xC3\xA9") },
};

static void unescaping(void)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		char *copy = copy_of(strings[i].json);
		struct text text = { NULL, 0 };
		struct json json;

		json_init(&json, copy, strings[i].json.len);
		CHECK(json_string(&json, &text) && json_end(&json), strings[i].json.ptr);
		CHECK_TEXT(text, strings[i].text, strings[i].json.ptr);
		free(copy);
	}
}

static void numbers(void)
{
	static const struct {
		const char *json;
		uint64_t max;
		bool ok;
		uint64_t number;
	} rows[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "5", 3, false, 0 },
		{ "-1", 10, false, 0 },
		{ "1.0", 10, false, 0 },
		{ "1e0", 10, false, 0 },
		{ "\"1\"", 10, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *copy = copy_of(text_of(rows[i].json));
		uint64_t number = 0;
		struct json json;

		json_init(&json, copy, strlen(rows[i].json));
		CHECK(json_number(&json, rows[i].max, &number) == rows[i].ok, rows[i].json);
		CHECK(number == rows[i].number, rows[i].json);
		free(copy);
	}
}

/* Whatever is asked after a fault, the answer is no. */
static void after_a_fault(void)
{
	char memory[] = "{\"a\":!}";
	struct text text;
	struct json json;
	uint64_t number;
	bool boolean;

	json_init(&json, memory, sizeof(memory) - 1);
	CHECK(json_object(&json) && json_member(&json, &text), "up to there");
	CHECK(!json_number(&json, 1, &number), "the fault");
	CHECK(json_where(&json) == 5, "its place");
	CHECK(!json_object(&json) && !json_array(&json) && !json_string(&json, &text), "values");
	CHECK(!json_boolean(&json, &boolean) && !json_number(&json, 1, &number), "values");
	CHECK(!json_skip(&json, &text) && !json_member(&json, &text), "skip and member");
	CHECK(!json_element(&json) && json_peek(&json) == JSON_NONE && !json_end(&json), "the end");
}

static void written(const char *label, struct text text, const char *expected)
{
	char memory[128];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	json_write_string(&buf, text);
	CHECK_TEXT(buf_since(&buf, 0), text_of(expected), label);
}

static void writing(void)
{
	char memory[128];
	struct buf buf;

	written("plain", TEXT("abc"), "\"abc\"");
	written("empty", TEXT(""), "\"\"");
	written("escapes", TEXT("\"a\\"), "\"\\\"a\\\\\"");
	written("controls", TEXT("\n\x1F"), "\"\\u000a\\u001f\"");
	written("as it is", TEXT("\xC3\xA9/\x7F"), "\"\xC3\xA9/\x7F\"");
	CHECK(json_written_bytes(TEXT("\"a\\")) == 5, "counted");

	buf_init(&buf, memory, sizeof(memory));
	buf_char(&buf, '{');
	json_write_key(&buf, "a");
	buf_char(&buf, '1');
	json_write_key(&buf, "b");
	buf_char(&buf, '[');
	CHECK_TEXT(buf_since(&buf, 0), TEXT("{\"a\":1,\"b\":["), "keys");
}

static const struct suite_test tests[] = { TEST(documents),	TEST(prefixes), TEST(unescaping),
					   TEST(numbers),	TEST(after_a_fault),
					   TEST(writing) };

SUITE("json", tests)
