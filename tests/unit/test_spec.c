// SPDX-License-Identifier: MIT
/* Making header values: plain, JSON, baggage, lists. */
#include "suite.h"

#include "lib/limits.h"
#include "core/header_rule.h"

#define NAMES_MAX 8
#define HEADERS_MAX 8

/* A little context: pairs of name and value, up to the first without a name. */
struct pair {
	struct text name, value;
};

static bool lookup(void *arg, struct text name, struct text *ret_value)
{
	const struct pair *pairs = arg;

	for (size_t i = 0; i < NAMES_MAX && pairs[i].name.len; i++) {
		if (!text_eq(pairs[i].name, name))
			continue;
		*ret_value = pairs[i].value;
		return true;
	}
	return false;
}

struct row {
	const char *label;
	struct header_rule headers[HEADERS_MAX]; /* up to the first without a name */
	struct pair pairs[NAMES_MAX];
	enum header_outcome outcome;
	const char *value;
	unsigned dropped;
};

static size_t count_of(const struct header_rule *headers)
{
	size_t count = 0;

	while (count < HEADERS_MAX && headers[count].name.len)
		count++;
	return count;
}

static void run_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		static char memory[LINES_BYTES_MAX];
		const struct row *row = &rows[i];
		const char *reason = NULL;
		unsigned dropped = 99;
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		buf_add(&buf, TEXT("X: "));
		CHECK(header_rule_value(&buf, row->headers, count_of(row->headers), lookup,
				     (void *)row->pairs, &dropped, &reason) == row->outcome,
		      row->label);
		CHECK_TEXT(buf_since(&buf, 3), text_of(row->value), row->label);
		CHECK(dropped == row->dropped, row->label);
		CHECK(!reason == (row->outcome != HEADER_BAD_VALUE), row->label);
	}
}

#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define HEADER(header_kind, ...)                                                                    \
	{                                                                                         \
		.kind = (header_kind), .name = TEXT("X-Header"), __VA_ARGS__                        \
	}
#define MEMBER(key, template)                                                                     \
	{                                                                                         \
		.kind = HEADER_MEMBER, .name = TEXT(key), .value = TEXT(template)                   \
	}
#define PAIR(name, value) { TEXT(name), TEXT(value) }

static void plain(void)
{
	static const struct row rows[] = {
		{ "value", { HEADER(HEADER_TEXT, .value = TEXT("{a}")) }, { PAIR("a", "1") },
		  HEADER_SENT, "1", 0 },
		{ "no value", { HEADER(HEADER_TEXT, .value = TEXT("x{a}")) }, { PAIR("b", "1") },
		  HEADER_NO_VALUE, "", 0 },
		{ "empty", { HEADER(HEADER_TEXT, .value = TEXT("{a|''}")) }, { PAIR("b", "1") },
		  HEADER_NO_VALUE, "", 0 },
		{ "malformed", { HEADER(HEADER_TEXT, .value = TEXT("{a")) }, { PAIR("a", "1") },
		  HEADER_BAD_VALUE, "", 0 },
		{ "CRLF", { HEADER(HEADER_TEXT, .value = TEXT("{a}")) }, { PAIR("a", "1\r\nX: y") },
		  HEADER_BAD_VALUE, "", 0 },
		{ "blank", { HEADER(HEADER_TEXT, .value = TEXT("{a}")) }, { PAIR("a", " 1") },
		  HEADER_BAD_VALUE, "", 0 },
		{ "UTF-8", { HEADER(HEADER_TEXT, .value = TEXT("{a}")) }, { PAIR("a", "\xC3\x9F%") },
		  HEADER_SENT, "%C3%9F%25", 0 },
		{ "limit", { HEADER(HEADER_TEXT, .value = TEXT("{a}"), .max_value = 3) },
		  { PAIR("a", "123") }, HEADER_SENT, "123", 0 },
		{ "limit + 1", { HEADER(HEADER_TEXT, .value = TEXT("{a}"), .max_value = 3) },
		  { PAIR("a", "1234") }, HEADER_BAD_VALUE, "", 0 },
	};

	RUN(rows);
}

static void json(void)
{
	static const struct row rows[] = {
		{ "members", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "x/{b}") },
		  { PAIR("a", "1"), PAIR("b", "2") }, HEADER_SENT, "{\"a\":\"1\",\"b\":\"x/2\"}", 0 },
		{ "first missing", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("b", "2") }, HEADER_SENT, "{\"b\":\"2\"}", 0 },
		{ "all missing", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("c", "2") }, HEADER_NO_VALUE, "", 0 },
		{ "escapes", { HEADER(HEADER_JSON), MEMBER("a", "{a}") },
		  { PAIR("a", "\"\\/\xC3\x9F\xE2\x82\xAC\xF0\x9F\x98\x80") }, HEADER_SENT,
		  "{\"a\":\"\\\"\\\\/\\u00df\\u20ac\\ud83d\\ude00\"}", 0 },
		{ "control", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("a", "1\n"), PAIR("b", "2") }, HEADER_SENT, "{\"b\":\"2\"}", 1 },
		{ "NUL", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("a", "1\0"), PAIR("b", "2") }, HEADER_SENT, "{\"b\":\"2\"}", 1 },
		{ "DEL", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("a", "1"), PAIR("b", "\x7F") }, HEADER_SENT, "{\"a\":\"1\"}", 1 },
		{ "not UTF-8", { HEADER(HEADER_JSON), MEMBER("a", "{a}") },
		  { PAIR("a", "\xFF") }, HEADER_BAD_VALUE, "", 1 },
		{ "value limit", { HEADER(HEADER_JSON, .max_value = 3), MEMBER("a", "{a}"),
				   MEMBER("b", "{b}") },
		  { PAIR("a", "123"), PAIR("b", "1234") }, HEADER_SENT, "{\"a\":\"123\"}", 1 },
		{ "limit is before escaping", { HEADER(HEADER_JSON, .max_value = 3),
						MEMBER("a", "{a}") },
		  { PAIR("a", "\"\"\"") }, HEADER_SENT, "{\"a\":\"\\\"\\\"\\\"\"}", 0 },
		{ "first members stay", { HEADER(HEADER_JSON, .max_members = 2), MEMBER("a", "{a}"),
					  MEMBER("b", "{b}"), MEMBER("c", "{c}"),
					  MEMBER("d", "{d}") },
		  { PAIR("b", "2"), PAIR("c", "3"), PAIR("d", "4") },
		  HEADER_SENT, "{\"b\":\"2\",\"c\":\"3\"}", 1 },
		{ "tags", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("*", "{tags}") },
		  { PAIR("a", "1"), PAIR("tags", "b=2, k k = v v ,x") },
		  HEADER_SENT, "{\"a\":\"1\",\"b\":\"2\",\"k k\":\"v v\"}", 0 },
		{ "tags alone", { HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("*", "{tags}") },
		  { PAIR("tags", "b=2") }, HEADER_SENT, "{\"b\":\"2\"}", 0 },
		{ "first of a key wins", { HEADER(HEADER_JSON), MEMBER("a", "{a}"),
					   MEMBER("*", "{tags}") },
		  { PAIR("a", "1"), PAIR("tags", "a=2,b=3,b=4,A=5") },
		  HEADER_SENT, "{\"a\":\"1\",\"b\":\"3\",\"A\":\"5\"}", 2 },
		{ "a key that was dropped is free", { HEADER(HEADER_JSON), MEMBER("a", "{a}"),
						      MEMBER("*", "{tags}") },
		  { PAIR("a", "1\n"), PAIR("tags", "a=2") }, HEADER_SENT, "{\"a\":\"2\"}", 1 },
		{ "a key inside a value is none", { HEADER(HEADER_JSON), MEMBER("a", "{a}"),
						    MEMBER("*", "{tags}") },
		  { PAIR("a", ",\"b\":\""), PAIR("tags", "b=2") },
		  HEADER_SENT, "{\"a\":\",\\\"b\\\":\\\"\",\"b\":\"2\"}", 0 },
		{ "bad tags", { HEADER(HEADER_JSON), MEMBER("*", "{tags}") },
		  { PAIR("tags", "a\n=1,b=\x7F,c=3,\xFF=4") }, HEADER_SENT, "{\"c\":\"3\"}", 3 },
		{ "a star that is not one placeholder", { HEADER(HEADER_JSON),
							  MEMBER("*", "{tags},x=y") },
		  { PAIR("tags", "a=1") }, HEADER_NO_VALUE, "", 0 },
		{ "all required", { HEADER(HEADER_JSON, .require_all = true), MEMBER("a", "{a}"),
				    MEMBER("b", "{b}"), MEMBER("*", "{tags}") },
		  { PAIR("a", "1"), PAIR("b", "2") }, HEADER_SENT, "{\"a\":\"1\",\"b\":\"2\"}", 0 },
		{ "one of all missing", { HEADER(HEADER_JSON, .require_all = true),
					  MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("a", "1") }, HEADER_NO_VALUE, "", 0 },
		{ "one of all unfit", { HEADER(HEADER_JSON, .require_all = true), MEMBER("a", "{a}"),
					MEMBER("b", "{b}") },
		  { PAIR("a", "1"), PAIR("b", "\n") }, HEADER_BAD_VALUE, "", 1 },
	};

	RUN(rows);
}

static void lists(void)
{
	static const struct row rows[] = {
		{ "members", { HEADER(HEADER_LIST), MEMBER("project", "{a}"), MEMBER("env", "{b}"),
			       MEMBER("*", "{tags}") },
		  { PAIR("a", "x y"), PAIR("b", "dev"), PAIR("tags", "team=pay,env=ci") },
		  HEADER_SENT, "project:x y,env:dev,team:pay", 1 },
		{ "a comma", { HEADER(HEADER_LIST), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("a", "1,admin:yes"), PAIR("b", "2") }, HEADER_SENT, "b:2", 1 },
		{ "UTF-8", { HEADER(HEADER_LIST), MEMBER("a", "{a}") },
		  { PAIR("a", "\xC3\x9F") }, HEADER_SENT, "a:%C3%9F", 0 },
		{ "bad keys", { HEADER(HEADER_LIST), MEMBER("*", "{tags}") },
		  { PAIR("tags", "a:b=1,c d=2,e=3") }, HEADER_SENT, "e:3", 2 },
		{ "bad values", { HEADER(HEADER_LIST), MEMBER("a", "{a}"), MEMBER("b", "{b}"),
				  MEMBER("c", "{c}") },
		  { PAIR("a", "1\r\n"), PAIR("b", "a  b"), PAIR("c", "\xFF") },
		  HEADER_BAD_VALUE, "", 3 },
	};

	RUN(rows);
}

static void baggages(void)
{
	static const struct row rows[] = {
		{ "own", { HEADER(HEADER_BAGGAGE), MEMBER("session.id", "{a}"),
			   MEMBER("user.id", "{b}") },
		  { PAIR("a", "s 1"), PAIR("b", "5%\xE2\x82\xAC") },
		  HEADER_SENT, "session.id=s%201,user.id=5%25%E2%82%AC", 0 },
		{ "inbound first", { HEADER(HEADER_BAGGAGE), MEMBER("*", "{baggage}"),
				     MEMBER("user.id", "{b}") },
		  { PAIR("baggage", "k = %20 ; p , bad , l=2"), PAIR("b", "me") },
		  HEADER_SENT, "k=%20;p,l=2,user.id=me", 0 },
		{ "inbound last", { HEADER(HEADER_BAGGAGE), MEMBER("user.id", "{b}"),
				    MEMBER("*", "{baggage}") },
		  { PAIR("baggage", "k=1"), PAIR("b", "me") }, HEADER_SENT, "user.id=me,k=1", 0 },
		{ "inbound keys are not doubled", { HEADER(HEADER_BAGGAGE), MEMBER("*", "{baggage}"),
						    MEMBER("user.id", "{b}") },
		  { PAIR("baggage", "user.id=you;p"), PAIR("b", "me") },
		  HEADER_SENT, "user.id=you;p", 1 },
		{ "no inbound", { HEADER(HEADER_BAGGAGE), MEMBER("*", "{baggage}"),
				  MEMBER("user.id", "{b}") },
		  { PAIR("b", "me") }, HEADER_SENT, "user.id=me", 0 },
		{ "control", { HEADER(HEADER_BAGGAGE), MEMBER("a", "{a}"), MEMBER("b", "{b}") },
		  { PAIR("a", "1\r\n"), PAIR("b", "2") }, HEADER_SENT, "b=2", 1 },
	};

	RUN(rows);
}

/* Members "k0", "k1", ... with the same value each, then the value that they make. */
static char *many_tags(char *at, size_t count, const char *value)
{
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "%sk%zu=%s", i ? "," : "", i, value);
	return at;
}

/* W3C: 64 members. */
static void member_limits(void)
{
	static const enum header_kind kinds[] = { HEADER_JSON, HEADER_BAGGAGE, HEADER_LIST };
	static char tags[4096], memory[LINES_BYTES_MAX];
	struct pair pairs[NAMES_MAX] = { PAIR("tags", "") };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct header_rule headers[] = { HEADER(kinds[i]), MEMBER("*", "{tags}") };
		const char *reason;
		unsigned dropped;
		struct buf buf;

		for (size_t count = TAGS_MAX - 1; count <= TAGS_MAX + 1; count++) {
			many_tags(tags, count, "v");
			pairs[0].value = text_of(tags);
			buf_init(&buf, memory, sizeof(memory));
			CHECK(header_rule_value(&buf, headers, 2, lookup, pairs, &dropped, &reason) ==
				      HEADER_SENT, "64 members");
			CHECK(dropped == (count > TAGS_MAX), "64 members");
			CHECK(!strstr(memory, "k64"), "the first stay");
		}
	}
}

static void byte_limits(void)
{
	static const enum header_kind kinds[] = { HEADER_JSON, HEADER_BAGGAGE, HEADER_LIST };
	static char tags[LIST_BYTES_MAX + 1], memory[LINES_BYTES_MAX + 1], value[201];
	struct pair pairs[NAMES_MAX] = { PAIR("tags", "") };

	memset(value, 'v', sizeof(value) - 1);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct header_rule headers[] = { HEADER(kinds[i]), MEMBER("*", "{tags}") };
		const char *reason;
		unsigned dropped;
		struct buf buf;

		many_tags(tags, 30, value);
		pairs[0].value = text_of(tags);
		buf_init(&buf, memory, sizeof(memory));
		CHECK(header_rule_value(&buf, headers, 2, lookup, pairs, &dropped, &reason) ==
			      HEADER_SENT, "4 KiB");
		CHECK(buf.len <= COMPOSED_BYTES_MAX && buf.len > COMPOSED_BYTES_MAX - 220, "4 KiB");
		CHECK(dropped > 0 && !buf.full, "4 KiB");
		CHECK(kinds[i] != HEADER_JSON || buf.data[buf.len - 1] == '}', "closed");
		/* whole members only, at every size of a buffer; never unclosed */
		for (size_t size = 1; size < 500; size++) {
			enum header_outcome outcome;

			buf_init(&buf, memory, size);
			outcome = header_rule_value(&buf, headers, 2, lookup, pairs, &dropped, &reason);
			CHECK((outcome == HEADER_SENT) == (buf.len > 0) && !buf.full, "small buffer");
			CHECK(!buf.len || buf.data[buf.len - 1] == (kinds[i] == HEADER_JSON ? '}' :
										       'v'),
			      "whole members");
		}
	}
}

/* To the byte: the room of one buffer, and the limit of 4 KiB. */
static void exact_limits(void)
{
	static const struct header_rule headers[] = { HEADER(HEADER_JSON), MEMBER("a", "{a}") };
	struct pair pairs[NAMES_MAX] = { PAIR("a", "12345") };
	const char *reason;
	unsigned dropped;
	char memory[32];
	struct buf buf;

	buf_init(&buf, memory, sizeof("{\"a\":\"12345\"}"));
	CHECK(header_rule_value(&buf, headers, 2, lookup, pairs, &dropped, &reason) == HEADER_SENT,
	      "fits");
	buf_init(&buf, memory, sizeof("{\"a\":\"12345\"}") - 1);
	CHECK(header_rule_value(&buf, headers, 2, lookup, pairs, &dropped, &reason) == HEADER_BAD_VALUE,
	      "one byte less");
	CHECK(!buf.len && !buf.full && dropped == 1, "nothing was appended");
}

/* 10 KiB where an id should be. */
static void huge_values(void)
{
	static char huge[10240], memory[LINES_BYTES_MAX];
	static const struct header_rule text[] = { HEADER(HEADER_TEXT, .value = TEXT("{a}")) };
	static const struct header_rule json_headers[] = { HEADER(HEADER_JSON), MEMBER("a", "{a}"),
						  MEMBER("*", "{a}"), MEMBER("b", "{b}") };
	struct pair pairs[NAMES_MAX] = { PAIR("a", ""), PAIR("b", "2") };
	const char *reason = NULL;
	unsigned dropped;
	struct buf buf;

	memset(huge, 'x', sizeof(huge));
	pairs[0].value = (struct text){ huge, sizeof(huge) };
	buf_init(&buf, memory, sizeof(memory));
	CHECK(header_rule_value(&buf, text, 1, lookup, pairs, &dropped, &reason) == HEADER_BAD_VALUE,
	      "10 KiB");
	CHECK(reason && !buf.len && !buf.full, "10 KiB");
	CHECK(header_rule_value(&buf, json_headers, 4, lookup, pairs, &dropped, &reason) == HEADER_SENT,
	      "10 KiB");
	CHECK_TEXT(buf_since(&buf, 0), TEXT("{\"b\":\"2\"}"), "10 KiB");
	CHECK(dropped == 2, "10 KiB");
	pairs[0].value.len = VALUE_BYTES_MAX;
	CHECK(header_rule_value(&buf, text, 1, lookup, pairs, &dropped, &reason) == HEADER_SENT,
	      "1 KiB");
	pairs[0].value.len++;
	CHECK(header_rule_value(&buf, text, 1, lookup, pairs, &dropped, &reason) == HEADER_BAD_VALUE,
	      "1 KiB + 1");
}

static void row_counts(void)
{
	static const struct header_rule headers[] = {
		HEADER(HEADER_TEXT), HEADER(HEADER_JSON), MEMBER("a", "{a}"), MEMBER("b", "{b}"),
		HEADER(HEADER_FANOUT), HEADER(HEADER_LIST), MEMBER("a", "{a}"),
	};

	CHECK(header_rule_rows(headers, 7) == 1, "text");
	CHECK(header_rule_rows(headers + 1, 6) == 3, "json");
	CHECK(header_rule_rows(headers + 1, 2) == 2, "never beyond count");
	CHECK(header_rule_rows(headers + 4, 3) == 1, "fan-out");
	CHECK(header_rule_rows(headers + 5, 2) == 2, "list at the end");
}

static const struct suite_test tests[] = {
	TEST(plain), TEST(json), TEST(lists), TEST(baggages), TEST(member_limits),
	TEST(byte_limits), TEST(exact_limits), TEST(huge_values), TEST(row_counts),
};

SUITE("header", tests)
