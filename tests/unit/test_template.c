// SPDX-License-Identifier: MIT
/* Templates: expanding, taking one value, and checking. */
#include "suite.h"

#include <errno.h>

#include "lib/limits.h"
#include "core/template.h"

static bool lookup(void *arg, struct text name, struct text *ret_value)
{
	unsigned *asked = arg;

	if (asked)
		++*asked;
	if (text_eq(name, TEXT("task_id")))
		*ret_value = TEXT("T-42");
	else if (text_eq(name, TEXT("env:TEAM")))
		*ret_value = TEXT("pay");
	else if (text_eq(name, TEXT("body:/metadata/id")))
		*ret_value = TEXT("{b}");
	else if (text_eq(name, TEXT("tags")))
		*ret_value = TEXT("a=1,b=2");
	else if (text_eq(name, TEXT("empty")))
		*ret_value = TEXT("");
	else
		return false;
	return true;
}

static bool known(void *arg, struct text name)
{
	return text_eq(name, TEXT("none")) || lookup(NULL, name, &(struct text){ NULL, 0 });
}

static const struct {
	const char *tmpl;
	int result;
	const char *value;
	int offset; /* of the error that template_check finds; -1 for none */
} rows[] = {
	{ "{task_id}", 0, "T-42", -1 },
	{ "/{task_id}", 0, "/T-42", -1 },
	{ "a{task_id}b{task_id}c", 0, "aT-42bT-42c", -1 },
	{ "plain", 0, "plain", -1 },
	{ "{none|task_id}", 0, "T-42", -1 },
	{ "{task_id|none}", 0, "T-42", -1 },
	{ "{empty|task_id}", 0, "T-42", -1 },
	{ "{none|'dev'}", 0, "dev", -1 },
	{ "{task_id|'dev'}", 0, "T-42", -1 },
	{ "{none|none|'a|b}{c'}", 0, "a|b}{c", -1 },
	{ "{'x'}", 0, "x", -1 },
	{ "a{none|''}b", 0, "ab", -1 },
	{ "{env:TEAM}", 0, "pay", -1 },
	{ "{env:NONE|env:TEAM}", 0, "pay", 1 },
	/* a value is not expanded again */
	{ "{body:/metadata/id}", 0, "{b}", -1 },
	{ "{{}}", 0, "{}", -1 },
	{ "{{task_id}}", 0, "{task_id}", -1 },
	{ "{{{task_id}}}", 0, "{T-42}", -1 },
	{ "a}}b", 0, "a}b", -1 },
	{ "it's", 0, "it's", -1 },
	/* no value: nothing at all */
	{ "{none}", -ENODATA, "", -1 },
	{ "{empty}", -ENODATA, "", -1 },
	{ "{task_id}/{none}", -ENODATA, "", -1 },
	{ "{none|empty}", -ENODATA, "", -1 },
	{ "{unknown}", -ENODATA, "", 1 },
	{ "a {none|unknown}", -ENODATA, "", 8 },
	/* malformed */
	{ "{", -EINVAL, "", 1 },
	{ "}", -EINVAL, "", 0 },
	{ "a}b", -EINVAL, "", 1 },
	{ "{}", -EINVAL, "", 1 },
	{ "{task_id", -EINVAL, "", 8 },
	{ "{task_id|", -EINVAL, "", 9 },
	{ "{task_id|}", -EINVAL, "", 9 },
	{ "{|task_id}", -EINVAL, "", 1 },
	{ "{task_id||none}", -EINVAL, "", 9 },
	{ "{task_id{none}}", -EINVAL, "", 8 },
	{ "{{task_id}", -EINVAL, "", 9 },
	{ "{none|'dev}", -EINVAL, "", 11 },
	{ "{none|'dev'", -EINVAL, "", 11 },
	{ "{none|'dev'|task_id}", -EINVAL, "", 11 },
	{ "{none|'dev' }", -EINVAL, "", 11 },
	{ "{task'id}", -EINVAL, "", 5 },
	{ "{'a''b'}", -EINVAL, "", 4 },
};

static void expanding(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char memory[64];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		buf_add(&buf, TEXT("<"));
		CHECK(template_expand(text_of(rows[i].tmpl), lookup, NULL, &buf) == rows[i].result,
		      rows[i].tmpl);
		CHECK_TEXT(buf_since(&buf, 1), text_of(rows[i].value), rows[i].tmpl);
	}
}

static void checking(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct template_error error = { 99, NULL };
		int result = template_check(text_of(rows[i].tmpl), known, NULL, &error);

		CHECK(result == (rows[i].offset < 0 ? 0 : -EINVAL), rows[i].tmpl);
		if (rows[i].offset < 0) {
			CHECK(!error.reason, "untouched on success");
			continue;
		}
		CHECK(error.offset == (size_t)rows[i].offset, rows[i].tmpl);
		CHECK(error.reason && error.reason[0], rows[i].tmpl);
	}
}

static void checking_limits(void)
{
	static const struct text bad[] = { TEXT(""), TEXT("a\nb"), TEXT("a\0b"), TEXT("\x7F") };
	static char source[TEMPLATE_BYTES_MAX + 1];
	struct template_error error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(template_check(bad[i], known, NULL, &error) == -EINVAL, bad[i].ptr);
	memset(source, 'x', sizeof(source));
	CHECK(!template_check((struct text){ source, TEMPLATE_BYTES_MAX }, known, NULL, &error),
	      "limit");
	CHECK(template_check((struct text){ source, TEMPLATE_BYTES_MAX + 1 }, known, NULL,
			     &error) == -EINVAL, "limit + 1");
}

static void buffer_limits(void)
{
	char memory[8];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	CHECK(!template_expand(TEXT("abc{task_id}"), lookup, NULL, &buf), "limit");
	CHECK_TEXT(buf_since(&buf, 0), TEXT("abcT-42"), "limit");
	buf_cut(&buf, 0);
	CHECK(template_expand(TEXT("abcd{task_id}"), lookup, NULL, &buf) == -E2BIG, "limit + 1");
	CHECK(!buf.len && !buf.full, "nothing was appended");
	CHECK(template_expand(TEXT("{task_id}{task_id}{none}"), lookup, NULL, &buf) == -ENODATA,
	      "no value is the better reason");
}

/* A value that costs something (the project's name) is not asked for in vain. */
static void lookups(void)
{
	unsigned asked = 0;
	char memory[64];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	CHECK(!template_expand(TEXT("{none|task_id|tags|env:TEAM}"), lookup, &asked, &buf), "");
	CHECK(asked == 2, "none after the first that has a value");
}

static void single_values(void)
{
	static const struct {
		const char *tmpl;
		int result;
		const char *value;
	} singles[] = {
		{ "{tags}", 0, "a=1,b=2" },
		{ "{none|tags}", 0, "a=1,b=2" },
		{ "{none|'a=b'}", 0, "a=b" },
		{ "{none}", -ENODATA, "" },
		{ "{tags}{tags}", -EINVAL, "" },
		{ "{tags},x=y", -EINVAL, "" },
		{ "x=y", -EINVAL, "" },
		{ "", -EINVAL, "" },
		{ "{tags", -EINVAL, "" },
		{ "{{tags}}", -EINVAL, "" },
	};

	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		struct text value = { NULL, 0 };

		CHECK(template_value(text_of(singles[i].tmpl), lookup, NULL, &value) ==
			      singles[i].result, singles[i].tmpl);
		CHECK_TEXT(value, text_of(singles[i].value), singles[i].tmpl);
	}
}

static const struct suite_test tests[] = {
	TEST(expanding), TEST(checking), TEST(checking_limits),
	TEST(buffer_limits), TEST(lookups), TEST(single_values),
};

SUITE("template", tests)
