// SPDX-License-Identifier: MIT
/* Which requests: relay patterns and endpoints against URLs, as libcurl takes them apart. */
#include "suite.h"

#include <locale.h>
#include <stdlib.h>

#include "core/relay.h"
#include "core/rule.h"
#include "url_api.h"

/* relays: NULL is "nothing configured". */
struct row {
	const char *relays, *url;
	enum tag_verdict verdict;
};

#define REFUSED ((enum tag_verdict)99) /* libcurl itself refuses the URL */
#define CHAT "/v1/chat/completions"

static const struct row rows[] = {
	/* nothing configured: loopback, any port, http and https */
	{ NULL, "http://localhost:8090" CHAT, TAG_MATCH },
	{ NULL, "https://localhost" CHAT, TAG_MATCH },
	{ NULL, "http://LOCALHOST" CHAT, TAG_MATCH },
	{ NULL, "http://localhost." CHAT, TAG_MATCH },
	{ NULL, "http://api.localhost:1" CHAT, TAG_MATCH },
	{ NULL, "http://127.0.0.1" CHAT, TAG_MATCH },
	{ NULL, "http://127.255.3.4" CHAT, TAG_MATCH },
	{ NULL, "http://[::1]:8080" CHAT, TAG_MATCH },
	{ NULL, "http://[0:0:0:0:0:0:0:1]" CHAT, TAG_MATCH },
	{ NULL, "http://2130706433" CHAT, TAG_MATCH }, /* 127.0.0.1 as libcurl reads it */
	{ NULL, "http://0x7f.1" CHAT, TAG_MATCH },
	{ NULL, "http://128.0.0.1" CHAT, TAG_NO_RELAY },
	{ NULL, "http://[::ffff:127.0.0.1]" CHAT, TAG_NO_RELAY },
	{ NULL, "http://localhost.example.com" CHAT, TAG_NO_RELAY },
	{ NULL, "http://notlocalhost" CHAT, TAG_NO_RELAY },
	{ NULL, "http://127.0.0.1.example.com" CHAT, TAG_NO_RELAY },
	{ NULL, "https://api.openai.com" CHAT, TAG_NO_RELAY },
	{ NULL, "ftp://localhost" CHAT, TAG_NO_RELAY },
	{ NULL, "ws://localhost" CHAT, TAG_NO_RELAY },
	{ NULL, "smtp://localhost" CHAT, TAG_NO_RELAY },
	{ NULL, "localhost:8090" CHAT, TAG_MATCH },
	{ NULL, "http:/localhost" CHAT, TAG_MATCH }, /* libcurl takes one slash for two */
	{ NULL, "HTTP://localhost" CHAT, TAG_MATCH },
	{ NULL, "http://localhost:8090" CHAT "?api-version=1", TAG_MATCH },
	{ NULL, "http://localhost:8090" CHAT "#x", TAG_MATCH },
	/* whose host it is */
	{ "https://relay.example.com", "https://relay.example.com" CHAT, TAG_MATCH },
	{ "relay.example.com", "https://relay.example.com" CHAT, TAG_MATCH },
	{ "relay.example.com/", "https://relay.example.com" CHAT, TAG_MATCH },
	{ "relay.example.com", "https://RELAY.Example.COM" CHAT, TAG_MATCH },
	{ "RELAY.example.com.", "https://relay.example.com" CHAT, TAG_MATCH },
	{ "relay.example.com", "https://relay.example.com." CHAT, TAG_MATCH },
	{ "relay.example.com", "https://user:pw@relay.example.com" CHAT, TAG_MATCH },
	{ "relay.example.com", "https://relay.example.com@evil.example" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://relay.example.com:443@evil.example" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://evil.example/https://relay.example.com" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://evil.example?@relay.example.com" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://evil.example#@relay.example.com" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://relay.example.com.evil.example" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://xrelay.example.com" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://a.relay.example.com" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://relay%2eexample.com" CHAT, TAG_MATCH },
	{ "relay.example.com", "https://relay.example.com\\@evil.example" CHAT, TAG_NO_RELAY },
	/* scheme and port */
	{ "relay.example.com", "http://relay.example.com" CHAT, TAG_NO_RELAY },
	{ "relay.example.com", "https://relay.example.com:443" CHAT, TAG_MATCH },
	{ "relay.example.com", "https://relay.example.com:8443" CHAT, TAG_NO_RELAY },
	{ "relay.example.com:8443", "https://relay.example.com:8443" CHAT, TAG_MATCH },
	{ "relay.example.com:8443", "https://relay.example.com" CHAT, TAG_NO_RELAY },
	{ "http://relay.example.com", "http://relay.example.com:80" CHAT, TAG_MATCH },
	{ "http://relay.example.com", "https://relay.example.com" CHAT, TAG_NO_RELAY },
	{ "http://10.0.0.7:*", "http://10.0.0.7:12345" CHAT, TAG_MATCH },
	{ "http://10.0.0.7:*", "http://10.0.0.70:12345" CHAT, TAG_NO_RELAY },
	{ "localhost:8090", "http://localhost:8090" CHAT, TAG_MATCH },
	{ "localhost:8090", "https://localhost:8090" CHAT, TAG_MATCH },
	{ "localhost:8090", "http://localhost:8091" CHAT, TAG_NO_RELAY },
	{ "[::1]:8080", "http://[0::1]:8080" CHAT, TAG_MATCH },
	{ "https://[2001:db8::7]", "https://[2001:0db8:0:0::7]" CHAT, TAG_MATCH },
	{ "https://[2001:db8::7]", "https://[2001:db8::8]" CHAT, TAG_NO_RELAY },
	/* a host below, and what only looks like one */
	{ "*.corp.example", "https://llm.corp.example" CHAT, TAG_MATCH },
	{ "*.corp.example", "https://a.b.Corp.Example" CHAT, TAG_MATCH },
	{ "*.corp.example", "https://corp.example" CHAT, TAG_NO_RELAY },
	{ "*.corp.example", "https://fakecorp.example" CHAT, TAG_NO_RELAY },
	{ "*.opencode.ai,opencode.ai", "https://opencode.ai/zen/go" CHAT, TAG_MATCH },
	{ "*.opencode.ai,opencode.ai", "https://fakeopencode.ai/zen/go" CHAT, TAG_NO_RELAY },
	/* IDN: punycode in the pattern fits both ways of writing it */
	{ "xn--bcher-kva.example", "https://xn--bcher-kva.example" CHAT, TAG_MATCH },
	{ "b\xc3\xbc" "cher.example", "https://b\xc3\xbc" "cher.example" CHAT, TAG_MATCH },
	{ "bucher.example", "https://b\xc3\xbc" "cher.example" CHAT, TAG_NO_RELAY },
	/* lists; a bad pattern is passed over and opens nothing */
	{ "a.example, b.example", "https://b.example" CHAT, TAG_MATCH },
	{ "https://a.example/v1,b.example", "https://b.example" CHAT, TAG_MATCH },
	{ "https://a.example/v1", "https://a.example" CHAT, TAG_NO_RELAY },
	{ "https://a.example/v1", "http://localhost" CHAT, TAG_NO_RELAY },
	{ "*", "http://anything.example:7" CHAT, TAG_MATCH },
	{ "*", "ftp://anything.example" CHAT, TAG_NO_RELAY },
	/* endpoints of the providers, on the end of the path */
	{ NULL, "http://localhost/openai/deployments/gpt/chat/completions?api-version=1", TAG_MATCH },
	{ NULL, "http://localhost/v1/responses", TAG_MATCH },
	{ NULL, "http://localhost/v1/responses/compact", TAG_MATCH },
	{ NULL, "http://localhost/v1/responses/input_tokens", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/messages?beta=true", TAG_MATCH },
	{ NULL, "http://localhost/v1/messages/count_tokens", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/anthropic/v1/messages", TAG_MATCH },
	{ NULL, "http://localhost/messages", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/complete", TAG_MATCH },
	{ NULL, "http://localhost/v1beta/models/gemini-2.5-pro:generateContent", TAG_MATCH },
	{ NULL, "http://localhost/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
	  TAG_MATCH },
	{ NULL, "http://localhost/v1beta/models/g:countTokens", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/publishers/anthropic/models/claude:rawPredict", TAG_MATCH },
	{ NULL, "http://localhost/publishers/anthropic/models/claude:streamRawPredict", TAG_MATCH },
	{ NULL, "http://localhost/publishers/anthropic/models/count-tokens:rawPredict",
	  TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/model/anthropic.claude-v2%3A1/invoke", TAG_MATCH },
	{ NULL, "http://localhost/model/x/invoke-with-response-stream", TAG_MATCH },
	{ NULL, "http://localhost/model/x/converse", TAG_MATCH },
	{ NULL, "http://localhost/model/x/converse-stream", TAG_MATCH },
	{ NULL, "http://localhost/model//invoke", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/lambda/invoke", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/model/x/count-tokens", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v2/chat", TAG_MATCH },
	{ NULL, "http://localhost/api/chat", TAG_MATCH },
	{ NULL, "http://localhost/api/generate", TAG_MATCH },
	{ NULL, "http://localhost/v1/fim/completions", TAG_MATCH },
	{ NULL, "http://localhost/zen/go/v1/chat/completions", TAG_MATCH },
	{ NULL, "http://localhost/backend-api/codex/responses", TAG_MATCH },
	{ NULL, "http://localhost/serving-endpoints/dbrx/invocations", TAG_MATCH },
	/* and what is none */
	{ NULL, "http://localhost/v1/chat/completionsx", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/chat/completions/", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/xcompletions", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/Chat/Completions", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/chat%2Fcompletions", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/x?/v1/chat/completions", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/x#/v1/chat/completions", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/chat/completions/../models", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/models/../chat/completions", TAG_MATCH },
	{ NULL, "http://localhost/v1/models", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost/v1/embeddings", TAG_NO_ENDPOINT },
	{ NULL, "http://localhost", TAG_NO_ENDPOINT },
};

static enum tag_verdict decide(const char *url_text)
{
	enum tag_verdict verdict;
	struct rule rule;
	struct url url;

	if (url_parse(&url_api, url_text, &url))
		return REFUSED;
	verdict = rule_for(NULL, &url, &rule);
	url_release(&url_api, &url);
	if (verdict == TAG_MATCH)
		CHECK(rule_path_possible(NULL, url_text), "the short cut leads nowhere else");
	return verdict;
}

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* For an older libcurl the host is no relay. */
static const struct {
	unsigned since;
	struct row row;
} newer[] = {
	{ 0x075301, { "relay.example.com", "https://relay.example.com%40evil.example" CHAT, REFUSED } },
	{ 0x075800, { "xn--bcher-kva.example", "https://b\xc3\xbc" "cher.example" CHAT, TAG_MATCH } },
};

static void urls(void)
{
	unsigned libcurl = curl_version_info(CURLVERSION_NOW)->version_num;

	/* libidn2 reads names in the locale's character set, and so does libcurl's own request. */
	setlocale(LC_ALL, "C.UTF-8");
	set("TAGALONG_ENDPOINTS", NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set("TAGALONG_RELAYS", rows[i].relays);
		CHECK(decide(rows[i].url) == rows[i].verdict, rows[i].url);
	}
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		set("TAGALONG_RELAYS", newer[i].row.relays);
		CHECK(decide(newer[i].row.url) == (libcurl < newer[i].since ? TAG_NO_RELAY : newer[i].row.verdict),
		      newer[i].row.url);
	}
	set("TAGALONG_RELAYS", NULL);
}

static void paths_that_cannot_be(void)
{
	static const char *const table[] = {
		"http://localhost/v1/models", "http://localhost", "http://localhost/?/v1/messages",
		"http://localhost/x#/v1/messages", "",
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK(!rule_path_possible(NULL, table[i]), table[i]);
}

/* libcurl may make a chat path of these. */
static void paths_that_libcurl_rewrites(void)
{
	static const char *const table[] = {
		"http://localhost/v1/chat/./x/../completions", "http://localhost/%76x", "/.",
		"http://local.host/a.b/./x?y", "localhost/x/.?%",
	};
	static const char *const not_table[] = {
		"http://localhost/a.b/x.", "http://localhost/x?%2e/.", "http://localhost/x#/./%", ".",
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK(rule_path_possible(NULL, table[i]), table[i]);
	for (size_t i = 0; i < sizeof(not_table) / sizeof(not_table[0]); i++)
		CHECK(!rule_path_possible(NULL, not_table[i]), not_table[i]);
}

static void methods(void)
{
	CHECK(rule_method_ok("POST"), "POST");
	CHECK(!rule_method_ok("post"), "methods are case-sensitive");
	CHECK(!rule_method_ok("GET") && !rule_method_ok("PUT") && !rule_method_ok(""), "others");
	CHECK(!rule_method_ok(NULL), "none");
}

static void classes(void)
{
	static const struct {
		const char *endpoints, *url;
		enum tag_verdict verdict;
	} table[] = {
		{ "embedding", "http://localhost/v1/embeddings", TAG_MATCH },
		{ "embedding", "http://localhost" CHAT, TAG_NO_ENDPOINT },
		{ "chat,embedding", "http://localhost" CHAT, TAG_MATCH },
		{ "rerank", "http://localhost/v2/rerank", TAG_MATCH },
		{ "count", "http://localhost/v1/messages/count_tokens", TAG_MATCH },
		{ "image, audio", "http://localhost/v1/audio/speech", TAG_MATCH },
		{ "all", "http://localhost/anything", TAG_MATCH },
		{ "/ask", "http://localhost/my/ask", TAG_MATCH },
		{ "/ask", "http://localhost/my/task", TAG_NO_ENDPOINT },
		{ "/ask", "http://localhost" CHAT, TAG_NO_ENDPOINT },
		{ "chat,/models/*/ask", "http://localhost/models/x/ask", TAG_MATCH },
		{ ":ask", "http://localhost/m:ask", TAG_MATCH },
		{ "nonsense", "http://localhost" CHAT, TAG_NO_ENDPOINT },
		{ "", "http://localhost" CHAT, TAG_MATCH },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		set("TAGALONG_ENDPOINTS", table[i].endpoints);
		CHECK(decide(table[i].url) == table[i].verdict, table[i].endpoints);
	}
	set("TAGALONG_ENDPOINTS", NULL);
}

static void bad_patterns(void)
{
	static const char *const table[] = {
		"", " ", "https://", "ftp://a.example", "a.example/v1", "user@a.example", "a.example:0",
		"a.example:65536", "a.example:http", "a..example", ".example", "*.", "a.*.example",
		"a*.example", "**", "::1", "[::1", "[nonsense]", "a b.example", "a.example:8080:9090",
		"https://https://a.example",
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *reason = NULL;
		struct relay relay;

		CHECK(relay_parse(text_of(table[i]), &relay, &reason) < 0, table[i]);
		CHECK(reason && reason[0], table[i]);
	}
}

static void count_complaint(void *arg, const char *variable, struct text word, const char *reason)
{
	++*(unsigned *)arg;
	CHECK(variable[0] && word.len && reason[0], "a complaint says where, what and why");
}

static void complaints(void)
{
	unsigned count = 0;

	set("TAGALONG_RELAYS", "ok.example,https://bad/v1,*.ok.example,b@d");
	set("TAGALONG_ENDPOINTS", "chat,nonsense");
	rule_check_environment(count_complaint, &count);
	CHECK(count == 3, "two patterns and a class");
	set("TAGALONG_RELAYS", NULL);
	set("TAGALONG_ENDPOINTS", NULL);
	count = 0;
	rule_check_environment(count_complaint, &count);
	CHECK(count == 0, "nothing set");
}

static const struct suite_test tests[] = {
	TEST(urls), TEST(paths_that_cannot_be), TEST(paths_that_libcurl_rewrites),
	TEST(methods), TEST(classes), TEST(bad_patterns), TEST(complaints),
};

SUITE("rule", tests)
