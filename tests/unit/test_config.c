// SPDX-License-Identifier: MIT
/* The configuration: what is read, what is refused and where, which rule holds for which URL. */
#include "suite.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/limits.h"
#include "core/config.h"
#include "core/rule.h"
#include "url_api.h"

static struct config *read_good(const char *source)
{
	struct config_errors errors = { NULL };
	struct config *config = NULL;

	CHECK(!config_read(text_of(source), &errors, &config), source);
	return config;
}

static void nothing_said(void)
{
	static const char *const table[] = {
		"{}", "{\"relays\":[]}", " {\"$comment\":[1], \"$schema\": \"x\"} ",
		"{\"service\":{}, \"adopt\":{}}",
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct config *config = read_good(table[i]);

		CHECK(config && !config->rules_count && !config->adopted_count &&
			      !config->timeout_ms && !config->wants_body,
		      table[i]);
		free(config);
	}
}

static void everything_said(void)
{
	struct config *config = read_good(
		"{\"relays\":[{\"match\":[\"https://a.example\",\"*.b.example:8443\"],"
		"\"endpoints\":[\"chat\",\"/ask\"],\"preset\":\"litellm\","
		"\"headers\":{\"X-Team\":\"{env:TEAM|'none'}\",\"X-User-Id\":null,"
		"\"X-J\":{\"$max_members\":2,\"$max_value\":9,\"$require_all\":true,\"k\":\"{mode}\"},"
		"\"X-T-*\":\"{tags}\",\"X-S\":{\"$template\":\"{task_id}\",\"$max_value\":7}},"
		"\"on_conflict\":\"replace\",\"require\":[\"task_id\",\"user_id\"],"
		"\"max_headers\":3,\"conversation\":\"derive\"}],"
		"\"service\":{\"timeout_ms\":20},\"adopt\":{\"task_id\":[\"CI_JOB_ID\",\"RUN\"]}}");
	const struct config_rule *rule;

	if (!config)
		return;
	rule = &config->rules[0];
	CHECK(config->rules_count == 1 && config->timeout_ms == 20 && config->wants_body, "whole");
	CHECK(config->adopted_count == 2 && config->adopted[0].field == FIELD_TASK_ID, "adopt");
	CHECK(!strcmp(config->adopted[1].variable, "RUN"), "adopt");
	CHECK(rule->patterns_count == 2 && rule->patterns[1].relay.port == 8443, "match");
	CHECK_TEXT(rule->endpoints.suffixes, TEXT("chat,/ask"), "endpoints");
	CHECK_TEXT(rule->preset, TEXT("litellm"), "preset");
	CHECK(rule->replace && rule->conversation == CONVERSATION_DERIVE && rule->max_headers == 3, "choices");
	CHECK(rule->require == (1u << FIELD_TASK_ID | 1u << FIELD_USER_ID), "require");
	CHECK(rule->headers_count == 6 && rule->headers[1].kind == HEADER_OMIT, "headers");
	CHECK(rule->headers[2].kind == HEADER_JSON && rule->headers[2].max_members == 2 &&
		      rule->headers[2].max_value == 9 && rule->headers[2].require_all,
	      "composed");
	CHECK(rule->headers[3].kind == HEADER_MEMBER && rule->headers[4].kind == HEADER_FANOUT, "kinds");
	CHECK(rule->headers[5].kind == HEADER_TEXT && rule->headers[5].max_value == 7, "long form");
	CHECK(rule->line == 1, "line");
	free(config);
}

static void wants_body(void)
{
	struct config *config = read_good("{\"relays\":[{\"match\":[\"*\"],\"headers\":"
					  "{\"X-A\":\"x-{body:/metadata/task}\"}}]}");

	CHECK(config && config->wants_body, "a template names it");
	free(config);
}

struct seen {
	const char *reason;
	size_t count, line, column;
	struct text source;
};

static void on_error(void *arg, const struct config_error *error)
{
	struct seen *seen = arg;

	if (!seen->count++) {
		seen->reason = error->reason;
		config_line_of(seen->source, error->offset, &seen->line, &seen->column);
	}
}

/* The first error of each text, and how many there are; tests/golden/config has more, as files. */
static void errors(void)
{
	static const struct {
		const char *source, *reason;
		size_t count, line, column;
	} table[] = {
		{ "", "expected an object", 1, 1, 1 },
		{ "[]", "expected an object", 1, 1, 1 },
		{ "{} x", "unexpected text after the end", 1, 1, 4 },
		{ "{\"a\":1}", "unknown key", 1, 1, 2 },
		{ "{\n\t\"service\": {\"timeout_ms\": 0}}", "the number is out of range", 1, 2, 28 },
		{ "{\"service\":{\"timeout_ms\":10001}}", "the number is out of range", 1, 1, 26 },
		{ "{\"service\":{\"timeout_ms\":\"5\"}}", "expected a number", 1, 1, 26 },
		{ "{\"service\":5}", "expected an object", 1, 1, 12 },
		{ "{\"relays\":{}}", "expected an array", 1, 1, 11 },
		{ "{\"relays\":[5]}", "expected an object", 1, 1, 12 },
		{ "{\"relays\":[],\"relays\":[]}", "duplicate", 1, 1, 14 },
		{ "{\"relays\":[{\"preset\":\"litellm\"}]}",
		  "it names no relay: \"match\" is missing, and its preset has no hosts of its own", 1, 1,
		  12 },
		{ "{\"relays\":[{\"preset\":\"databricks\"}]}",
		  "it names no relay: \"match\" is missing, and its preset has no hosts of its own", 1, 1,
		  12 },
		{ "{\"relays\":[{\"match\":[]}]}", "there are no patterns", 1, 1, 21 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"match\":[\"*\"]}]}", "duplicate", 1, 1, 27 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"headers\":{\"A\\u0000\":\"x\"}}]}",
		  "the name is not fit for a header", 1, 1, 38 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"headers\":{\"X\":{\"$template\":\"x\",\"k\":\"v\"}}}]}",
		  "beside \"$template\" there is only \"$max_value\"", 1, 1, 38 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"headers\":{\"X-*\":\"{tags} x\"}}]}",
		  "a \"*\" needs a template that is one placeholder", 1, 1, 44 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"headers\":{\"X-*\":{\"k\":\"{tags}\"}}}]}",
		  "a name with \"*\" takes one template", 1, 1, 38 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"headers\":{\"X\":{\"$format\":\"list\",\"a b\":\"x\"}}}]}",
		  "that cannot be a key", 1, 1, 60 },
		{ "{\"relays\":[{\"match\":[\"*\"],\"headers\":{\"X\":\"{env:1}\"}}]}",
		  "unknown placeholder", 1, 1, 44 },
		{ "{\"adopt\":{\"task_id\":[\"A=B\"]}}", "no environment variable has such a name", 1, 1,
		  22 },
		{ "{\"adopt\":{\"task\":[]}}", "unknown key", 1, 1, 11 },
		{ "{\"adopt\":5}", "expected an object", 1, 1, 10 },
		{ "{\"log\":\"a\"}", "expected an absolute path", 1, 1, 8 },
		{ "{\"relays\":[{\"match\":[\"*\"],", "expected a string", 1, 1, 27 },
		{ "{\"a\":[[[[[[[[1]]]]]]]]}", "nested too deep", 1, 1, 13 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct seen seen = { .source = text_of(table[i].source) };
		struct config_errors errors = { on_error, &seen, 0 };
		struct config *config = NULL;
		bool same;

		CHECK(config_read(seen.source, &errors, &config) == -EINVAL && !config,
		      table[i].source);
		same = seen.reason && !strcmp(seen.reason, table[i].reason) &&
		       seen.count == table[i].count && seen.line == table[i].line &&
		       seen.column == table[i].column;
		CHECK(same, table[i].source);
		if (!same)
			fprintf(stderr, "  %s, %zu at %zu:%zu\n", seen.reason, seen.count, seen.line,
				seen.column);
	}
}

static void limits(void)
{
	struct config_errors errors = { NULL };
	struct config *config = NULL;
	char *source = malloc(CONFIG_BYTES_MAX + 2);
	size_t len;

	memset(source, ' ', CONFIG_BYTES_MAX + 1);
	memcpy(source, "{}", 2);
	CHECK(!config_read((struct text){ source, CONFIG_BYTES_MAX }, &errors, &config), "largest");
	free(config);
	CHECK(config_read((struct text){ source, CONFIG_BYTES_MAX + 1 }, &errors, &config) == -EFBIG,
	      "larger");
	len = (size_t)sprintf(source, "{\"relays\":[");
	for (int i = 0; i <= CONFIG_RULES_MAX; i++)
		len += (size_t)sprintf(source + len, "%s{\"match\":[\"a.example\"]}", i ? "," : "");
	len += (size_t)sprintf(source + len, "]}");
	CHECK(config_read((struct text){ source, len }, &errors, &config) == -EINVAL, "rules");
	len = (size_t)sprintf(source, "{\"relays\":[{\"match\":[");
	for (int i = 0; i <= CONFIG_PATTERNS_MAX; i++)
		len += (size_t)sprintf(source + len, "%s\"a.example\"", i ? "," : "");
	len += (size_t)sprintf(source + len, "]}]}");
	CHECK(config_read((struct text){ source, len }, &errors, &config) == -EINVAL, "patterns");
	free(source);
}

static void nearest(void)
{
	static const struct {
		const char *word, *known, *nearest;
	} table[] = {
		{ "presets", "match endpoints preset", "preset" },
		{ "Match", "match endpoints", "match" },
		{ "xyzzy", "match endpoints", "" },
		{ "", "match", "" },
		{ "ab", "xy", "" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_TEXT(config_nearest(text_of(table[i].word), table[i].known),
			   text_of(table[i].nearest), table[i].word);
}

#define CHAT "/v1/chat/completions"

static const char rules[] =
	"{\"relays\":["
	"{\"match\":[\"https://a.example\"],\"endpoints\":[\"embedding\"],\"preset\":\"w3c\"},"
	"{\"match\":[\"https://a.example\",\"*.corp.example\"],\"preset\":\"litellm\"},"
	"{\"match\":[\"openrouter.ai\",\"https://plain.example\"]},"
	"{\"preset\":\"opencode\"}]}";

/* The first rule that wants host and endpoint; the nearer word of the environment; the preset of the
 * host where nobody names one. */
static void which_rule(void)
{
	static const struct {
		const char *relays, *endpoints, *preset, *url;
		enum tag_verdict verdict;
		int rule; /* -1: none of the configuration's */
		const char *pattern, *expected_preset;
	} table[] = {
		{ NULL, NULL, NULL, "https://a.example" CHAT, TAG_MATCH, 1, "https://a.example",
		  "litellm" },
		{ NULL, NULL, NULL, "https://a.example/v1/embeddings", TAG_MATCH, 0,
		  "https://a.example", "w3c" },
		{ NULL, NULL, NULL, "https://a.example/v1/models", TAG_NO_ENDPOINT, 0, "", "" },
		{ NULL, "/v1/models", NULL, "https://a.example/v1/models", TAG_MATCH, 0,
		  "https://a.example", "w3c" },
		{ NULL, NULL, "generic", "https://x.corp.example" CHAT, TAG_MATCH, 1,
		  "*.corp.example", "generic" },
		{ NULL, NULL, NULL, "http://a.example" CHAT, TAG_NO_RELAY, 0, "", "" },
		{ NULL, NULL, NULL, "https://openrouter.ai/api" CHAT, TAG_MATCH, 2, "openrouter.ai",
		  "openrouter" },
		{ NULL, NULL, NULL, "https://plain.example" CHAT, TAG_MATCH, 2,
		  "https://plain.example", "generic" },
		{ NULL, NULL, NULL, "https://opencode.ai/zen" CHAT, TAG_MATCH, 3, "opencode.ai",
		  "opencode" },
		{ NULL, NULL, NULL, "https://go.opencode.ai/zen" CHAT, TAG_MATCH, 3,
		  "*.opencode.ai", "opencode" },
		{ NULL, NULL, NULL, "https://fakeopencode.ai/zen" CHAT, TAG_NO_RELAY, 0, "", "" },
		/* With a relay in the configuration, loopback is one only when it is named. */
		{ NULL, NULL, NULL, "http://localhost" CHAT, TAG_NO_RELAY, 0, "", "" },
		{ "localhost:*", NULL, NULL, "http://localhost:8090" CHAT, TAG_MATCH, -1,
		  "localhost:*", "generic" },
		{ "https://a.example", NULL, NULL, "https://a.example" CHAT, TAG_MATCH, 1,
		  "https://a.example", "litellm" },
		{ "https://z.example", NULL, NULL, "https://a.example" CHAT, TAG_MATCH, 1,
		  "https://a.example", "litellm" },
	};
	struct config *config = read_good(rules);

	for (size_t i = 0; config && i < sizeof(table) / sizeof(table[0]); i++) {
		enum tag_verdict verdict;
		struct rule rule = { NULL };
		struct url url;

		clearenv();
		if (table[i].relays)
			setenv("TAGALONG_RELAYS", table[i].relays, 1);
		if (table[i].endpoints)
			setenv("TAGALONG_ENDPOINTS", table[i].endpoints, 1);
		if (table[i].preset)
			setenv("TAGALONG_PRESET", table[i].preset, 1);
		CHECK(!url_parse(&url_api, table[i].url, &url), table[i].url);
		verdict = rule_for(config, &url, &rule);
		CHECK(verdict == table[i].verdict, table[i].url);
		if (verdict == TAG_MATCH) {
			CHECK(rule_path_possible(config, table[i].url), "no short cut past it");
			CHECK(rule.configured ==
				      (table[i].rule < 0 ? NULL : &config->rules[table[i].rule]),
			      table[i].url);
			CHECK_TEXT(rule.pattern, text_of(table[i].pattern), table[i].url);
			CHECK_TEXT(rule.preset, text_of(table[i].expected_preset), table[i].url);
		}
		url_release(&url_api, &url);
	}
	free(config);
	clearenv();
}

/* Without a configuration a preset that is asked for names its product's own hosts. */
static void hosts_of_a_preset(void)
{
	struct rule rule;
	struct url url;

	clearenv();
	CHECK(!url_parse(&url_api, "https://opencode.ai/zen" CHAT, &url), "url");
	CHECK(rule_for(NULL, &url, &rule) == TAG_NO_RELAY, "nobody named it");
	setenv("TAGALONG_PRESET", "opencode", 1);
	CHECK(rule_for(NULL, &url, &rule) == TAG_MATCH, "the preset names it");
	setenv("TAGALONG_PRESET", "litellm", 1);
	CHECK(rule_for(NULL, &url, &rule) == TAG_NO_RELAY, "another preset does not");
	setenv("TAGALONG_PRESET", "opencode", 1);
	setenv("TAGALONG_RELAYS", "https://a.example", 1);
	CHECK(rule_for(NULL, &url, &rule) == TAG_NO_RELAY, "others are named");
	clearenv();
	url_release(&url_api, &url);

	CHECK(!url_parse(&url_api, "https://x.azuredatabricks.net" CHAT, &url), "url");
	setenv("TAGALONG_PRESET", "databricks", 1);
	CHECK(rule_for(NULL, &url, &rule) == TAG_NO_RELAY, "a wildcard is everybody's");
	setenv("TAGALONG_RELAYS", "https://x.azuredatabricks.net", 1);
	unsetenv("TAGALONG_PRESET");
	CHECK(rule_for(NULL, &url, &rule) == TAG_MATCH, "named by the user");
	CHECK_TEXT(rule.preset, TEXT("databricks"), "the preset is the host's");
	clearenv();
	url_release(&url_api, &url);
}

static const struct suite_test tests[] = {
	TEST(nothing_said), TEST(everything_said), TEST(wants_body), TEST(errors),
	TEST(limits),	    TEST(nearest),	   TEST(which_rule), TEST(hosts_of_a_preset),
};

SUITE("config", tests)
