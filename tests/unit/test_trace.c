// SPDX-License-Identifier: MIT
/* W3C Trace Context and Baggage. */
#include "suite.h"

#include <errno.h>

#include "lib/limits.h"
#include "core/trace.h"

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT_ID "00f067aa0ba902b7"
#define IDS TRACE_ID "-" PARENT_ID

static void traceparents(void)
{
	static const struct {
		struct text text;
		int flags; /* -1: invalid */
	} rows[] = {
		{ TEXT("00-" IDS "-00"), 0x00 },
		{ TEXT("00-" IDS "-01"), 0x01 },
		{ TEXT("00-" IDS "-02"), 0x02 },
		{ TEXT("00-" IDS "-03"), 0x03 },
		/* flags that are not known are cleared */
		{ TEXT("00-" IDS "-09"), 0x01 },
		{ TEXT("00-" IDS "-ff"), 0x03 },
		{ TEXT("00-" IDS "-fc"), 0x00 },
		/* version 00 has four fields and nothing more */
		{ TEXT("00-" IDS "-01-"), -1 },
		{ TEXT("00-" IDS "-01-extra"), -1 },
		{ TEXT("00-" IDS "-01.extra"), -1 },
		{ TEXT("00-" IDS "-01 "), -1 },
		/* higher versions: by the first four fields, and of the flags only sampled */
		{ TEXT("01-" IDS "-01"), 0x01 },
		{ TEXT("cc-" IDS "-03"), 0x01 },
		{ TEXT("cc-" IDS "-01-what-the-future-brings"), 0x01 },
		{ TEXT("cc-" IDS "-01-"), 0x01 },
		{ TEXT("fe-" IDS "-00"), 0x00 },
		{ TEXT("cc-" IDS "-01.what"), -1 },
		{ TEXT("cc-" IDS "-0100"), -1 },
		{ TEXT("cc-" IDS "-0"), -1 },
		{ TEXT("cc-" IDS), -1 },
		{ TEXT("ff-" IDS "-01"), -1 },
		{ TEXT("ff-" IDS "-01-x"), -1 },
		/* lower case only */
		{ TEXT("00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT_ID "-01"), -1 },
		{ TEXT("00-" TRACE_ID "-00F067AA0BA902B7-01"), -1 },
		{ TEXT("00-" IDS "-0A"), -1 },
		{ TEXT("0A-" IDS "-01"), -1 },
		/* all zero */
		{ TEXT("00-00000000000000000000000000000000-" PARENT_ID "-01"), -1 },
		{ TEXT("00-" TRACE_ID "-0000000000000000-01"), -1 },
		{ TEXT("cc-00000000000000000000000000000000-" PARENT_ID "-01"), -1 },
		/* one zero is none too many */
		{ TEXT("00-00000000000000000000000000000001-0000000000000001-01"), 0x01 },
		/* other characters, dashes elsewhere, too short */
		{ TEXT("00-" IDS "-0"), -1 },
		{ TEXT("00-" IDS), -1 },
		{ TEXT("0-" IDS "-01x"), -1 },
		{ TEXT("00_" IDS "-01"), -1 },
		{ TEXT("00-" TRACE_ID "_" PARENT_ID "-01"), -1 },
		{ TEXT("00-" IDS "_01"), -1 },
		{ TEXT("00-" IDS "-0g"), -1 },
		{ TEXT("00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT_ID "0-01"), -1 },
		{ TEXT("00-4bf92f3577b34da6 3ce929d0e0e4736-" PARENT_ID "-01"), -1 },
		{ TEXT("00-4bf92f3577b34da6\0a3ce929d0e0e473-" PARENT_ID "-01"), -1 },
		{ TEXT(" 00-" IDS "-01"), -1 },
		{ TEXT(""), -1 },
		{ { NULL, 0 }, -1 },
	};
	static const struct trace untouched = { { 7 }, { 7 }, 7 };
	static const uint8_t first_id[] = { 0x4b, 0xf9 }, first_parent[] = { 0x00, 0xf0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace trace = untouched;
		int result = trace_parse(rows[i].text, &trace);

		CHECK(result == (rows[i].flags < 0 ? -EINVAL : 0), rows[i].text.ptr);
		if (result) {
			CHECK(!memcmp(&trace, &untouched, sizeof(trace)), rows[i].text.ptr);
			continue;
		}
		CHECK(trace.flags == rows[i].flags, rows[i].text.ptr);
		CHECK(!trace.trace_id[0] || (!memcmp(trace.trace_id, first_id, 2) &&
					     !memcmp(trace.parent_id, first_parent, 2)),
		      rows[i].text.ptr);
	}
}

static void round_trip(void)
{
	struct trace trace;
	char memory[64];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	CHECK(!trace_parse(TEXT("cc-" IDS "-ff-more"), &trace), "");
	trace_format(&buf, &trace);
	CHECK_TEXT(buf_since(&buf, 0), TEXT("00-" IDS "-01"), "always sent as version 00");
}

#define LONG_62 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_64 LONG_62 "xx"
#define LONG_128 LONG_64 LONG_64
#define LONG_256 LONG_128 LONG_128
#define MEMBERS_8 "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8"
#define MEMBERS_32 MEMBERS_8 "," MEMBERS_8 "," MEMBERS_8 "," MEMBERS_8

static void tracestates(void)
{
	static const struct {
		struct text text;
		size_t max;
		const char *sent; /* NULL: ill-formed */
	} rows[] = {
		{ TEXT("congo=t61rcWkgMzE"), 512, "congo=t61rcWkgMzE" },
		{ TEXT("rojo=1,congo=2"), 512, "rojo=1,congo=2" },
		{ TEXT(" rojo=1 ,\tcongo=2 "), 512, "rojo=1,congo=2" },
		{ TEXT("a=1,,b=2,"), 512, "a=1,b=2" },
		{ TEXT(", ,"), 512, "" },
		{ TEXT(""), 512, "" },
		{ TEXT("0a_-*/@z=!~ x"), 512, "0a_-*/@z=!~ x" },
		{ TEXT("a= x"), 512, "a= x" },
		{ TEXT(MEMBERS_32), 512, MEMBERS_32 },
		{ TEXT(MEMBERS_32 ",i=9"), 512, NULL },
		{ TEXT(MEMBERS_32 ",,"), 512, MEMBERS_32 },
		{ TEXT(LONG_256 "=1"), 512, LONG_256 "=1" },
		{ TEXT(LONG_256 "x=1"), 512, NULL },
		{ TEXT("a=" LONG_256), 512, "a=" LONG_256 },
		{ TEXT("a=" LONG_256 "x"), 512, NULL },
		{ TEXT("a"), 512, NULL },
		{ TEXT("a="), 512, NULL },
		{ TEXT("=1"), 512, NULL },
		{ TEXT("A=1"), 512, NULL },
		{ TEXT("-a=1"), 512, NULL },
		{ TEXT("a =1"), 512, NULL },
		{ TEXT("a=b=c"), 512, NULL },
		{ TEXT("a=b\tc"), 512, NULL },
		{ TEXT("a=b\r\nX: 1"), 512, NULL },
		{ TEXT("a=\xC3\x9F"), 512, NULL },
		{ TEXT("a=1,B=2"), 512, NULL },
		/* whole members go: long ones first, then from the right */
		{ TEXT("a=1,b=2,c=3"), 11, "a=1,b=2,c=3" },
		{ TEXT("a=1,b=2,c=3"), 10, "a=1,b=2" },
		{ TEXT("a=1,b=2,c=3"), 7, "a=1,b=2" },
		{ TEXT("a=1,b=2,c=3"), 3, "a=1" },
		{ TEXT("a=1,b=2,c=3"), 2, "" },
		{ TEXT("a=1,b=" LONG_128 ",c=3"), 100, "a=1,c=3" },
		{ TEXT("a=" LONG_128 ",b=" LONG_128 ",c=3"), 140, "a=" LONG_128 ",c=3" },
		/* 128 characters are not over 128 */
		{ TEXT("a=1,b=" LONG_64 LONG_62 ",c=3"), 134, "a=1,b=" LONG_64 LONG_62 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char memory[1024];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		CHECK(tracestate_add(&buf, rows[i].text, rows[i].max) ==
			      (rows[i].sent ? 0 : -EINVAL), rows[i].text.ptr);
		CHECK_TEXT(buf_since(&buf, 0), text_of(rows[i].sent), rows[i].text.ptr);
	}
}

static void baggages(void)
{
	static const struct {
		struct text text;
		const char *members; /* each followed by "|" */
	} rows[] = {
		{ TEXT("userId=alice"), "userId=alice|" },
		{ TEXT("a=1,b=2"), "a=1|b=2|" },
		{ TEXT(" a = 1 ; p = q ;r , b=2"), "a=1;p=q;r|b=2|" },
		{ TEXT("a=1;p;q=2"), "a=1;p;q=2|" },
		{ TEXT("a=%20%E2%82%AC"), "a=%20%E2%82%AC|" },
		{ TEXT("a="), "a=|" },
		{ TEXT("a=b=c"), "a=b=c|" },
		{ TEXT("!#$%&'*+-.^_`|~=x"), "!#$%&'*+-.^_`|~=x|" },
		/* ill-formed ones are passed over, the others stay */
		{ TEXT("a=1,b,c=3"), "a=1|c=3|" },
		{ TEXT("a=1,,c=3,"), "a=1|c=3|" },
		{ TEXT("a=1,=2,c=3"), "a=1|c=3|" },
		{ TEXT("k k=1,c=3"), "c=3|" },
		{ TEXT("k(=1,c=3"), "c=3|" },
		{ TEXT("a=1 2,c=3"), "c=3|" },
		{ TEXT("a=\"1\",c=3"), "c=3|" },
		{ TEXT("a=1\\2,c=3"), "c=3|" },
		{ TEXT("a=1;,c=3"), "c=3|" },
		{ TEXT("a=1;;p,c=3"), "c=3|" },
		{ TEXT("a=1;p q,c=3"), "c=3|" },
		{ TEXT("a=1;p=q\"r,c=3"), "c=3|" },
		{ TEXT("a=1\r\nX: 1,c=3"), "c=3|" },
		{ TEXT("a=\0,c=3"), "c=3|" },
		{ TEXT("a=\xC3\x9F,c=3"), "c=3|" },
		{ TEXT("a=\x7F,c=3"), "c=3|" },
		{ TEXT(""), "" },
		{ TEXT(" , "), "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text rest = rows[i].text, key, value;
		char memory[256];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		while (baggage_next(&rest, &key, &value)) {
			buf_add(&buf, key);
			buf_char(&buf, '=');
			baggage_add_encoded(&buf, value);
			buf_char(&buf, '|');
		}
		CHECK_TEXT(buf_since(&buf, 0), text_of(rows[i].members), rows[i].text.ptr);
	}
}

static void baggage_values(void)
{
	static const struct {
		struct text value;
		const char *sent;
	} rows[] = {
		{ TEXT("billing"), "billing" },
		{ TEXT("a b"), "a%20b" },
		{ TEXT("100%"), "100%25" },
		{ TEXT("\",;\\"), "%22%2C%3B%5C" },
		{ TEXT("!#$&'()*+-./:<=>?@[]^_`{|}~"), "!#$&'()*+-./:<=>?@[]^_`{|}~" },
		{ TEXT("\xE2\x82\xAC"), "%E2%82%AC" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char memory[64];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		baggage_add(&buf, rows[i].value);
		CHECK_TEXT(buf_since(&buf, 0), text_of(rows[i].sent), rows[i].value.ptr);
	}
}

static const struct suite_test tests[] = {
	TEST(traceparents), TEST(round_trip), TEST(tracestates),
	TEST(baggages), TEST(baggage_values),
};

SUITE("trace", tests)
