// SPDX-License-Identifier: MIT
/* Header names, values and the names that are never set. */
#include "suite.h"

#include "lib/limits.h"
#include "lib/chars.h"
#include "core/header.h"

static void names(void)
{
	static const struct {
		struct text name;
		bool ok;
	} rows[] = {
		{ TEXT("X-Task-Id"), true },
		{ TEXT("traceparent"), true },
		{ TEXT("!#$%&'*+-.^`|~09azAZ"), true },
		{ TEXT(""), false },
		/* nginx drops them */
		{ TEXT("X_Task_Id"), false },
		{ TEXT("_"), false },
		{ TEXT("X Task"), false },
		{ TEXT("X-Task:"), false },
		{ TEXT(" X-Task"), false },
		{ TEXT("X-Task\r\nY"), false },
		{ TEXT("X\tTask"), false },
		{ TEXT("X\0Task"), false },
		{ TEXT("X-T\x7F"), false },
		{ TEXT("X-Stra\xC3\x9F" "e"), false },
		{ TEXT("(x)"), false },
		{ TEXT("a/b"), false },
		{ TEXT("a=b"), false },
	};
	char longest[NAME_BYTES_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(header_name_ok(rows[i].name) == rows[i].ok, rows[i].name.ptr);
	memset(longest, 'x', sizeof(longest));
	CHECK(header_name_ok((struct text){ longest, NAME_BYTES_MAX }), "limit");
	CHECK(!header_name_ok((struct text){ longest, NAME_BYTES_MAX + 1 }), "limit + 1");
}

static void forbidden_names(void)
{
	static const struct {
		const char *name;
		bool forbidden;
	} rows[] = {
		{ "Authorization", true },
		{ "AUTHORIZATION", true },
		{ "authorization", true },
		{ "Proxy-Authorization", true },
		{ "Proxy-Connection", true },
		{ "Cookie", true },
		{ "Set-Cookie", true },
		{ "Host", true },
		{ "Content-Type", true },
		{ "Content-Length", true },
		{ "content-anything", true },
		{ "Transfer-Encoding", true },
		{ "Connection", true },
		{ "Keep-Alive", true },
		{ "TE", true },
		{ "Trailer", true },
		{ "Upgrade", true },
		{ "Expect", true },
		{ "User-Agent", true },
		{ "Accept-Encoding", true },
		{ "Date", true },
		{ "x-api-key", true },
		{ "api-key", true },
		{ "x-goog-api-key", true },
		{ "X-Auth-Token", true },
		{ "X-Functions-Key", true },
		{ "Ocp-Apim-Subscription-Key", true },
		{ "OpenAI-Organization", true },
		{ "OpenAI-Project", true },
		{ "anthropic-beta", true },
		{ "x-litellm-timeout", true },
		{ "x-litellm-stream-timeout", true },
		{ "x-litellm-num-retries", true },
		{ "x-portkey-config", true },
		{ "x-portkey-provider", true },
		{ "x-portkey-virtual-key", true },
		{ "x-portkey-api-key", true },
		{ "X-Amz-Date", true },
		{ "x-amz-", true },
		/* the fan-out forms of a prefix */
		{ "Content-*", true },
		{ "X-Amz-*", true },
		{ "X-Amzn-Bedrock-Request-Metadata", false },
		{ "x-amz", false },
		{ "Contented", false },
		{ "X-Host", false },
		{ "Hostess", false },
		{ "Hos", false },
		{ "X-Authorization-Id", false },
		{ "x-litellm-tags", false },
		{ "x-portkey-metadata", false },
		{ "X-Task-Id", false },
		{ "traceparent", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(header_name_forbidden(text_of(rows[i].name)) == rows[i].forbidden,
		      rows[i].name);
}

static void values(void)
{
	static const struct {
		struct text value;
		enum header_error fault;
		const char *sent;
	} rows[] = {
		{ TEXT("T-42"), HEADER_OK, "T-42" },
		{ TEXT("a b c"), HEADER_OK, "a b c" },
		{ TEXT("{\"a\":\"b,c;d\"}"), HEADER_OK, "{\"a\":\"b,c;d\"}" },
		{ TEXT("100%"), HEADER_OK, "100%" },
		{ TEXT("~"), HEADER_OK, "~" },
		{ TEXT(""), HEADER_EMPTY, NULL },
		{ TEXT("a\r\nX-Evil: 1"), HEADER_CONTROL, NULL },
		{ TEXT("a\rb"), HEADER_CONTROL, NULL },
		{ TEXT("a\nb"), HEADER_CONTROL, NULL },
		{ TEXT("a\n"), HEADER_CONTROL, NULL },
		{ TEXT("a\0b"), HEADER_CONTROL, NULL },
		{ TEXT("a\tb"), HEADER_CONTROL, NULL },
		{ TEXT("\x1B[31m"), HEADER_CONTROL, NULL },
		{ TEXT("a\x7F"), HEADER_CONTROL, NULL },
		{ TEXT(" a"), HEADER_BLANKS, NULL },
		{ TEXT("a "), HEADER_BLANKS, NULL },
		{ TEXT(" "), HEADER_BLANKS, NULL },
		{ TEXT("a  b"), HEADER_BLANKS, NULL },
		/* UTF-8 is percent-encoded, and so is "%" beside it */
		{ TEXT("Stra\xC3\x9F" "e"), HEADER_OK, "Stra%C3%9Fe" },
		{ TEXT("5% \xE2\x82\xAC"), HEADER_OK, "5%25 %E2%82%AC" },
		{ TEXT("\xF0\x9F\x98\x80"), HEADER_OK, "%F0%9F%98%80" },
		{ TEXT("\xF4\x8F\xBF\xBF"), HEADER_OK, "%F4%8F%BF%BF" },
		/* what is not UTF-8 */
		{ TEXT("\xFF"), HEADER_NOT_UTF8, NULL },
		{ TEXT("a\x80"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xC3"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xC3("), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xC0\xAF"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xE0\x80\xAF"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xE2\x82"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xED\xA0\x80"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xED\xBF\xBF"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xF0\x82\x82\xAC"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xF4\x90\x80\x80"), HEADER_NOT_UTF8, NULL },
		{ TEXT("\xF8\x88\x80\x80\x80"), HEADER_NOT_UTF8, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char memory[128];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		buf_add(&buf, TEXT("X: "));
		CHECK(header_value_add(&buf, rows[i].value, VALUE_BYTES_MAX) == rows[i].fault,
		      rows[i].value.ptr);
		CHECK_TEXT(buf_since(&buf, 3), text_of(rows[i].sent), rows[i].value.ptr);
	}
}

static void value_limits(void)
{
	static char long_value[10240], memory[16384];
	struct buf buf;

	memset(long_value, 'x', sizeof(long_value));
	buf_init(&buf, memory, sizeof(memory));
	CHECK(header_value_add(&buf, (struct text){ long_value, VALUE_BYTES_MAX },
			       VALUE_BYTES_MAX) == HEADER_OK, "limit");
	CHECK(buf.len == VALUE_BYTES_MAX, "limit");
	CHECK(header_value_add(&buf, (struct text){ long_value, VALUE_BYTES_MAX + 1 },
			       VALUE_BYTES_MAX) == HEADER_TOO_LONG, "limit + 1");
	CHECK(header_value_add(&buf, (struct text){ long_value, sizeof(long_value) },
			       VALUE_BYTES_MAX) == HEADER_TOO_LONG, "10 KiB");
	CHECK(buf.len == VALUE_BYTES_MAX && !buf.full, "nothing was appended");
	/* the limit is that of the encoded value */
	CHECK(header_value_add(&buf, TEXT("\xC3\x9F"), 6) == HEADER_OK, "encoded, limit");
	CHECK(header_value_add(&buf, TEXT("\xC3\x9F" "x"), 6) == HEADER_TOO_LONG, "encoded");
	/* no room in the buffer */
	buf_init(&buf, memory, 5);
	CHECK(header_value_add(&buf, TEXT("abcde"), 100) == HEADER_TOO_LONG, "buffer + 1");
	CHECK(buf.len == 0 && !buf.full && !memory[0], "nothing was appended");
	CHECK(header_value_add(&buf, TEXT("abcd"), 100) == HEADER_OK, "buffer");
}

static void line_names(void)
{
	static const struct {
		struct text line, name;
	} rows[] = {
		{ TEXT("X-Task-Id: mine"), TEXT("X-Task-Id") },
		{ TEXT("X-Task-Id:mine"), TEXT("X-Task-Id") },
		{ TEXT("X-Task-Id:"), TEXT("X-Task-Id") },
		{ TEXT("X-Task-Id;"), TEXT("X-Task-Id") },
		{ TEXT("X-Task-Id : mine"), TEXT("X-Task-Id") },
		{ TEXT("X-Task-Id \t;"), TEXT("X-Task-Id") },
		{ TEXT("X: a;b:c"), TEXT("X") },
		{ TEXT("no colon"), TEXT("no colon") },
		{ TEXT(": x"), TEXT("") },
		{ TEXT("  : x"), TEXT("") },
		{ TEXT(""), TEXT("") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_TEXT(header_line_name(rows[i].line), rows[i].name, rows[i].line.ptr);
}

static void reasons(void)
{
	for (enum header_error fault = HEADER_OK; fault <= HEADER_NOT_UTF8; fault++) {
		CHECK(header_error_text(fault)[0], "a reason for people");
		for (enum header_error other = HEADER_OK; other < fault; other++)
			CHECK(strcmp(header_error_text(fault), header_error_text(other)),
			      "its own reason");
	}
}

static void utf8(void)
{
	static const struct {
		struct text text;
		uint32_t point;
	} rows[] = {
		{ TEXT("\0"), 0 },
		{ TEXT("\x7F"), 0x7F },
		{ TEXT("\xC2\x80"), 0x80 },
		{ TEXT("\xDF\xBF"), 0x7FF },
		{ TEXT("\xE0\xA0\x80"), 0x800 },
		{ TEXT("\xED\x9F\xBF"), 0xD7FF },
		{ TEXT("\xEE\x80\x80"), 0xE000 },
		{ TEXT("\xEF\xBF\xBF"), 0xFFFF },
		{ TEXT("\xF0\x90\x80\x80"), 0x10000 },
		{ TEXT("\xF4\x8F\xBF\xBF"), 0x10FFFF },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text rest = rows[i].text;
		uint32_t point = 1;

		CHECK(utf8_next(&rest, &point) && point == rows[i].point, "edge of a length");
		CHECK(!rest.len && !utf8_next(&rest, &point), "the end");
	}
}

static const struct suite_test tests[] = {
	TEST(names), TEST(forbidden_names), TEST(values),  TEST(value_limits),
	TEST(line_names), TEST(reasons), TEST(utf8),
};

SUITE("header", tests)
