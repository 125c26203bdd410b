// SPDX-License-Identifier: MIT
/* One request in, header lines out: the rules that no preset and no configuration lifts. */
#include "suite.h"

#include <stdlib.h>

#include "core/request.h"
#include "url_api.h"

#define CHAT "http://localhost/v1/chat/completions"

static const char *const variables[] = {
	"TAGALONG_TASK_ID", "TAGALONG_CONVERSATION_ID", "TAGALONG_PROJECT_ID", "TAGALONG_TAGS",
	"TAGALONG_PRESET", "TAGALONG_RELAYS", "TAGALONG_USER_ID", "TRACEPARENT", "TRACESTATE",
	"BAGGAGE", "CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "TAGALONG_SESSION_ID",
};

/* Sets these variables and none else. */
static void environment(const char *const *pairs)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	/* Not what the suite's own folder would give. */
	setenv("TAGALONG_PROJECT_ID", "billing", 1);
	for (; *pairs; pairs += 2)
		setenv(pairs[0], pairs[1], 1);
}

#define ENVIRONMENT(...) environment((const char *const[]){ __VA_ARGS__, NULL })

static struct tag_lines *build(const char *url, bool (*client_sets)(void *, struct text), void *arg)
{
	struct tag_request request = {
		.api = &url_api,
		.url = url,
		.method = "POST",
		.client_sets = client_sets,
		.arg = arg,
	};
	struct tag_lines *lines = NULL;

	CHECK(tag_build(&request, &lines) == TAG_MATCH, url);
	return lines;
}

static struct text value_of(const struct tag_lines *lines, const char *name)
{
	for (size_t i = 0; lines && i < lines->count; i++) {
		if (text_eq(tag_line_name(lines, i), text_of(name)))
			return text_from(tag_line_text(lines, i), strlen(name) + 2);
	}
	return (struct text){ NULL, 0 };
}

static void verdicts(void)
{
	struct tag_request request = { .api = &url_api, .url = CHAT, .method = "GET" };
	struct tag_lines *lines = NULL;

	ENVIRONMENT("TAGALONG_TASK_ID", "T-42");
	CHECK(tag_build(&request, &lines) == TAG_NOT_POST, "GET");
	request.method = "POST";
	request.url = "http://localhost/";
	CHECK(tag_build(&request, &lines) == TAG_NO_ENDPOINT, "path");
	request.url = "https://api.example/v1/chat/completions";
	CHECK(tag_build(&request, &lines) == TAG_NO_RELAY, "host");
	request.url = "http://[::/v1/chat/completions";
	CHECK(tag_build(&request, &lines) == TAG_BAD_URL, "URL");
	request.url = CHAT;
	setenv("TAGALONG_PRESET", "nonsense", 1);
	CHECK(tag_build(&request, &lines) == TAG_NO_PRESET, "preset");
	CHECK(!lines, "nothing is built");
}

static void reasons(void)
{
	for (enum tag_verdict verdict = TAG_MATCH; verdict <= TAG_NO_ID; verdict++) {
		CHECK(tag_verdict_reason(verdict)[0], "every verdict has one");
		for (enum tag_verdict other = TAG_MATCH; other < verdict; other++)
			CHECK(strcmp(tag_verdict_reason(verdict), tag_verdict_reason(other)) != 0,
			      tag_verdict_reason(verdict));
	}
}

static void identify(void *arg, const uint8_t random[UUID7_RANDOM_BYTES],
		     uint8_t ret_request_id[UUID_BYTES])
{
	++*(unsigned *)arg;
	memset(ret_request_id, 0xab, UUID_BYTES);
}

/* An id is made for what is tagged, and for nothing else. */
static void made_id(void)
{
	unsigned asked = 0;
	struct tag_request request = { .api = &url_api, .method = "POST", .identify = identify,
				       .arg = &asked };
	struct tag_lines *lines = NULL;

	ENVIRONMENT("TAGALONG_TASK_ID", "T-42");
	request.url = "http://localhost/";
	tag_build(&request, &lines);
	request.url = "https://api.example/v1/chat/completions";
	tag_build(&request, &lines);
	CHECK(!asked, "not tagged");
	request.url = CHAT;
	CHECK(tag_build(&request, &lines) == TAG_MATCH && asked == 1, "tagged");
	CHECK_TEXT(value_of(lines, "X-Request-Id"), TEXT("abababab-abab-abab-abab-abababababab"),
		   "it is this one");
	free(lines);
}

/* A header for each tag, and no name twice, whatever its letters' case. */
static void fan_out(void)
{
	struct tag_lines *lines;
	char tags[600];

	ENVIRONMENT("TAGALONG_PRESET", "helicone", "TAGALONG_TAGS", "team=pay,TEAM=x,b d=1,=x,y=,env=ci");
	lines = build(CHAT, NULL, NULL);
	CHECK_TEXT(value_of(lines, "Helicone-Property-team"), TEXT("pay"), "the first");
	CHECK(!value_of(lines, "Helicone-Property-TEAM").len, "the second");
	CHECK_TEXT(value_of(lines, "Helicone-Property-env"), TEXT("ci"), "another");
	CHECK(!value_of(lines, "Helicone-Property-y").len, "an empty one");
	free(lines);
	memset(tags, 'k', sizeof(tags));
	memcpy(tags + sizeof(tags) - 9, "=1,env=c", 9);
	ENVIRONMENT("TAGALONG_PRESET", "helicone", "TAGALONG_TAGS", tags);
	lines = build(CHAT, NULL, NULL);
	CHECK_TEXT(value_of(lines, "Helicone-Property-env"), TEXT("c"), "beside a name that is too long");
	for (size_t i = 0; lines && i < lines->count; i++)
		CHECK(tag_line_name(lines, i).len < 200, "which is left out");
	free(lines);
}

static void lines_and_order(void)
{
	static const char *const names[] = { "X-Task-Id", "X-Session-Id", "X-Project-Id",
					     "X-Request-Id", "traceparent" };
	struct tag_lines *lines;

	ENVIRONMENT("TAGALONG_TASK_ID", "T-42");
	lines = build(CHAT, NULL, NULL);
	CHECK(lines && lines->count == 5, "five");
	for (size_t i = 0; lines && i < lines->count; i++) {
		CHECK_TEXT(tag_line_name(lines, i), text_of(names[i]), "order");
		CHECK(strlen(tag_line_text(lines, i).ptr) == tag_line_text(lines, i).len, "NUL-terminated");
	}
	CHECK_TEXT(value_of(lines, "X-Task-Id"), TEXT("T-42"), "task");
	CHECK_TEXT(value_of(lines, "X-Session-Id"), TEXT("T-42"), "an alternative");
	free(lines);
}

static bool sets_task_id(void *arg, struct text name)
{
	return text_eq_nocase(name, TEXT("x-task-id"));
}

static void client_wins(void)
{
	struct tag_lines *lines;

	ENVIRONMENT("TAGALONG_TASK_ID", "T-42");
	lines = build(CHAT, sets_task_id, NULL);
	CHECK(lines && !value_of(lines, "X-Task-Id").len && value_of(lines, "X-Session-Id").len,
	      "left out alone");
	free(lines);
}

static void bad_values(void)
{
	static const char *const bad[] = { "a\r\nX-Evil: 1", "a\nb", "\x01", "\x7f", " a", "a ",
					   "a  b", "\xff" };
	char longer[VALUE_BYTES_MAX + 2];
	struct tag_lines *lines;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ENVIRONMENT("TAGALONG_TASK_ID", bad[i], "TAGALONG_USER_ID", "u");
		lines = build(CHAT, NULL, NULL);
		CHECK(!value_of(lines, "X-Task-Id").len, bad[i]);
		CHECK_TEXT(value_of(lines, "X-User-Id"), TEXT("u"), "only that header is lost");
		free(lines);
	}
	memset(longer, 'x', sizeof(longer));
	longer[VALUE_BYTES_MAX + 1] = '\0';
	ENVIRONMENT("TAGALONG_TASK_ID", longer);
	lines = build(CHAT, NULL, NULL);
	CHECK(!value_of(lines, "X-Task-Id").len, "one byte over the limit: left out, not cut");
	free(lines);
	longer[VALUE_BYTES_MAX] = '\0';
	ENVIRONMENT("TAGALONG_TASK_ID", longer);
	lines = build(CHAT, NULL, NULL);
	CHECK(value_of(lines, "X-Task-Id").len == VALUE_BYTES_MAX, "at the limit");
	free(lines);
}

/* Eleven tags and more: ten headers, the first ones (Azure answers 431 to the eleventh). */
static void ten_headers(void)
{
	char tags[2048] = "";
	struct tag_lines *lines;

	for (int i = 0; i < 20; i++)
		snprintf(tags + strlen(tags), sizeof(tags) - strlen(tags), "k%d=v%d,", i, i);
	ENVIRONMENT("TAGALONG_PRESET", "kong", "TAGALONG_TAGS", tags);
	lines = build(CHAT, NULL, NULL);
	CHECK(lines && lines->count == LINES_MAX, "ten");
	CHECK_TEXT(value_of(lines, "ai-cost-k0"), TEXT("v0"), "fan-out");
	free(lines);
}

/* 8 KiB in all: what does not fit is left out whole. */
static void total_size(void)
{
	char tags[LIST_BYTES_MAX + 1] = "";
	struct tag_lines *lines;
	size_t bytes = 0;

	for (int i = 0; i < 8; i++) {
		size_t len = strlen(tags);

		snprintf(tags + len, sizeof(tags) - len, "k%d=", i);
		len = strlen(tags);
		memset(tags + len, 'a' + i, 1000);
		memcpy(tags + len + 1000, ",", 2);
	}
	ENVIRONMENT("TAGALONG_PRESET", "kong", "TAGALONG_TAGS", tags, "TAGALONG_TASK_ID", "T");
	lines = build(CHAT, NULL, NULL);
	for (size_t i = 0; lines && i < lines->count; i++)
		bytes += tag_line_text(lines, i).len;
	CHECK(bytes > LINES_BYTES_MAX / 2 && bytes <= LINES_BYTES_MAX, "in all");
	free(lines);
}

static void traces(void)
{
	const char *given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	struct tag_lines *one, *two;
	struct text first, second;

	ENVIRONMENT("TRACEPARENT", given, "TRACESTATE", "a=1,b=2");
	one = build(CHAT, NULL, NULL);
	two = build(CHAT, NULL, NULL);
	first = value_of(one, "traceparent");
	second = value_of(two, "traceparent");
	CHECK(text_starts_with(first, (struct text){ given, 36 }), "the trace goes on");
	CHECK(text_ends_with(first, TEXT("-01")), "flags are copied");
	CHECK(!text_eq(first, second) && !text_eq(first, text_of(given)), "a span of its own");
	CHECK_TEXT(value_of(one, "tracestate"), TEXT("a=1,b=2"), "tracestate");
	free(one);
	free(two);

	ENVIRONMENT("TRACEPARENT", "00-BAD", "TRACESTATE", "a=1");
	one = build(CHAT, NULL, NULL);
	two = build(CHAT, NULL, NULL);
	first = value_of(one, "traceparent");
	second = value_of(two, "traceparent");
	CHECK(first.len == TRACEPARENT_BYTES && text_ends_with(first, TEXT("-02")), "a new trace");
	CHECK(!value_of(one, "tracestate").len, "tracestate is discarded with it");
	CHECK(second.len && !memcmp(first.ptr, second.ptr, 36) && !text_eq(first, second),
	      "one trace for the process");
	free(one);
	free(two);
}

static void adopted(void)
{
	struct tag_lines *lines;

	ENVIRONMENT("CLAUDE_CODE_SESSION_ID", "claude", "CODEX_THREAD_ID", "codex");
	lines = build(CHAT, NULL, NULL);
	CHECK_TEXT(value_of(lines, "X-Conversation-Id"), TEXT("claude"), "the first one");
	free(lines);
	setenv("TAGALONG_CONVERSATION_ID", "own", 1);
	lines = build(CHAT, NULL, NULL);
	CHECK_TEXT(value_of(lines, "X-Conversation-Id"), TEXT("own"), "a nearer source wins");
	free(lines);
}

static void placeholders(void)
{
	struct tag_request request = { .api = &url_api, .url = CHAT, .method = "POST" };
	static const char *const unknown[] = { "", "task", "env:", "TASK_ID", "user id" };
	struct values *values = malloc(sizeof(*values));
	struct text value;

	ENVIRONMENT("TAGALONG_TASK_ID", "T-42");
	values_collect(&request, NULL, NULL, DERIVES_NOT, values);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		CHECK(!values_lookup(values, text_of(unknown[i]), &value), unknown[i]);
	CHECK(values_lookup(values, TEXT("pid"), &value) && value.len, "pid");
	CHECK(values_lookup(values, TEXT("host"), &value) && value.len, "host");
	CHECK(values_lookup(values, TEXT("comm"), &value), "comm");
	CHECK_TEXT(value, TEXT("test_tag"), "comm");
	CHECK(values_lookup(values, TEXT("env:TAGALONG_TASK_ID"), &value), "env");
	CHECK_TEXT(value, TEXT("T-42"), "env");
	CHECK(!values_lookup(values, TEXT("env:TAGALONG_NO_SUCH"), &value), "unset");
	values_release(values);
	free(values);
}

static const struct suite_test tests[] = {
	TEST(verdicts),	   TEST(reasons),     TEST(made_id),	TEST(fan_out),
	TEST(lines_and_order), TEST(client_wins), TEST(bad_values), TEST(ten_headers),
	TEST(total_size),  TEST(traces),      TEST(adopted),	TEST(placeholders),
};

SUITE("tag", tests)
