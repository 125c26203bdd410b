// SPDX-License-Identifier: MIT
/* Every preset, with a full context, with one field, with none. */
#include "suite.h"

#include <errno.h>

#include "lib/limits.h"
#include "core/context.h"
#include "core/header.h"
#include "core/preset.h"

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02"

/* Indexed by field; what a request computes itself stands beside it. */
struct values {
	const char *field[FIELD_COUNT];
	const char *request_id;
};

static const struct values full = {
	.field = {
		[FIELD_TASK_ID] = "T-42",
		[FIELD_PARENT_TASK_ID] = "T-41",
		[FIELD_CONVERSATION_ID] = "C-7",
		[FIELD_SESSION_ID] = "S-1",
		[FIELD_PROJECT_ID] = "billing",
		[FIELD_ORGANIZATION_ID] = "acme",
		[FIELD_USER_ID] = "u-9",
		[FIELD_MODE] = "code",
		[FIELD_FEATURE] = "chat",
		[FIELD_APP] = "nvim",
		[FIELD_APP_VERSION] = "0.10",
		[FIELD_ENVIRONMENT] = "dev",
		[FIELD_TAGS] = "team=pay,cost=7",
		[FIELD_TRACEPARENT] = TRACEPARENT,
		[FIELD_TRACESTATE] = "rojo=1",
		[FIELD_BAGGAGE] = "k=v",
	},
	.request_id = "R-1",
};

static bool lookup(void *arg, struct text name, struct text *ret_value)
{
	const struct values *values = arg;
	enum field field = field_by_name(name);
	const char *value = NULL;

	if (field < FIELD_COUNT)
		value = values->field[field];
	else if (text_eq(name, TEXT("request_id")))
		value = values->request_id;
	*ret_value = text_of(value);
	return value;
}

static void add_line(struct buf *buf, struct text name, struct text rest_of_name, struct text value)
{
	buf_add(buf, name);
	buf_add(buf, rest_of_name);
	buf_add(buf, TEXT(": "));
	buf_add(buf, value);
	buf_char(buf, '\n');
}

static void add_fanout(struct buf *buf, const struct header_rule *row, const struct values *values)
{
	struct text prefix = { row->name.ptr, row->name.len - 1 };
	struct text rest, key, value;

	if (template_value(row->value, lookup, (void *)values, &rest))
		return;
	while (tags_next(&rest, &key, &value))
		add_line(buf, prefix, key, value);
}

/* All lines of a preset, one after the other. Returns how many rows of the preset were headers. */
static size_t add_lines(struct buf *buf, const struct preset *preset, const struct values *values)
{
	static char memory[COMPOSED_BYTES_MAX + 1];
	size_t headers = 0, taken;

	for (size_t i = 0; i < preset->count; i += taken, headers++) {
		const struct header_rule *rows = &preset->headers[i];
		const char *reason;
		unsigned dropped;
		struct buf value;

		taken = header_rule_rows(rows, preset->count - i);
		if (rows[0].kind == HEADER_FANOUT) {
			add_fanout(buf, rows, values);
			continue;
		}
		buf_init(&value, memory, sizeof(memory));
		if (header_rule_value(&value, rows, taken, lookup, (void *)values, &dropped,
				   &reason) == HEADER_SENT)
			add_line(buf, rows[0].name, TEXT(""), buf_since(&value, 0));
	}
	return headers;
}

static const struct {
	const char *name, *full, *task_only;
} rows[] = {
	{ "bedrock",
	  "X-Amzn-Bedrock-Request-Metadata: {\"task_id\":\"T-42\","
	  "\"conversation_id\":\"C-7\",\"project_id\":\"billing\","
	  "\"organization_id\":\"acme\",\"user_id\":\"u-9\",\"app\":\"nvim\","
	  "\"environment\":\"dev\",\"team\":\"pay\",\"cost\":\"7\"}\n",
	  "X-Amzn-Bedrock-Request-Metadata: {\"task_id\":\"T-42\","
	  "\"conversation_id\":\"T-42\"}\n" },
	{ "bifrost",
	  "x-bf-session-id: S-1\n"
	  "x-request-id: R-1\n"
	  "traceparent: " TRACEPARENT "\n"
	  "tracestate: rojo=1\n"
	  "x-bf-dim-task: T-42\n"
	  "x-bf-dim-project: billing\n"
	  "x-bf-dim-user: u-9\n"
	  "x-bf-dim-team: pay\n"
	  "x-bf-dim-cost: 7\n",
	  "x-bf-session-id: T-42\n"
	  "x-bf-dim-task: T-42\n" },
	{ "cloudflare",
	  "cf-aig-metadata: {\"session\":\"S-1\",\"project\":\"billing\","
	  "\"user\":\"u-9\",\"task\":\"T-42\",\"env\":\"dev\"}\n",
	  "cf-aig-metadata: {\"session\":\"T-42\",\"task\":\"T-42\"}\n" },
	{ "databricks",
	  "Databricks-Ai-Gateway-Request-Tags: {\"task_id\":\"T-42\","
	  "\"conversation_id\":\"C-7\",\"project_id\":\"billing\","
	  "\"organization_id\":\"acme\",\"user_id\":\"u-9\",\"app\":\"nvim\","
	  "\"environment\":\"dev\",\"team\":\"pay\",\"cost\":\"7\"}\n",
	  "Databricks-Ai-Gateway-Request-Tags: {\"task_id\":\"T-42\","
	  "\"conversation_id\":\"T-42\"}\n" },
	{ "dynamo",
	  "X-Dynamo-Session-ID: T-42\n"
	  "X-Dynamo-Parent-Session-ID: T-41\n",
	  "X-Dynamo-Session-ID: T-42\n" },
	{ "envoy",
	  "agent-session-id: S-1\n"
	  "x-tenant-id: acme\n"
	  "traceparent: " TRACEPARENT "\n"
	  "tracestate: rojo=1\n",
	  "agent-session-id: T-42\n" },
	{ "fireworks",
	  "x-session-affinity: C-7\n",
	  "x-session-affinity: T-42\n" },
	{ "generic",
	  "X-Task-Id: T-42\n"
	  "X-Parent-Task-Id: T-41\n"
	  "X-Conversation-Id: C-7\n"
	  "X-Session-Id: S-1\n"
	  "X-Project-Id: billing\n"
	  "X-Organization-Id: acme\n"
	  "X-User-Id: u-9\n"
	  "X-Request-Id: R-1\n"
	  "traceparent: " TRACEPARENT "\n"
	  "tracestate: rojo=1\n",
	  "X-Task-Id: T-42\n"
	  "X-Session-Id: T-42\n" },
	{ "helicone",
	  "Helicone-Session-Id: S-1\n"
	  "Helicone-Session-Path: /T-42\n"
	  "Helicone-Session-Name: S-1\n"
	  "Helicone-User-Id: u-9\n"
	  "Helicone-Property-Project: billing\n"
	  "Helicone-Property-Environment: dev\n"
	  "Helicone-Property-App: nvim\n"
	  "Helicone-Property-team: pay\n"
	  "Helicone-Property-cost: 7\n",
	  "Helicone-Session-Id: T-42\n"
	  "Helicone-Session-Path: /T-42\n"
	  "Helicone-Session-Name: T-42\n" },
	{ "kilo",
	  "X-KILOCODE-TASKID: T-42\n"
	  "X-KILOCODE-PARENT-TASKID: T-41\n"
	  "X-KILOCODE-PROJECTID: billing\n"
	  "X-KILOCODE-ORGANIZATIONID: acme\n"
	  "X-KILOCODE-MODE: code\n"
	  "X-KILOCODE-FEATURE: chat\n"
	  "X-KILOCODE-EDITORNAME: nvim/0.10\n"
	  "traceparent: " TRACEPARENT "\n"
	  "tracestate: rojo=1\n",
	  "X-KILOCODE-TASKID: T-42\n" },
	{ "kong",
	  "ai-cost-task: T-42\n"
	  "ai-cost-project: billing\n"
	  "ai-cost-organization: acme\n"
	  "ai-cost-user: u-9\n"
	  "ai-cost-environment: dev\n"
	  "ai-cost-team: pay\n"
	  "ai-cost-cost: 7\n",
	  "ai-cost-task: T-42\n" },
	{ "litellm",
	  "x-litellm-session-id: S-1\n"
	  "x-litellm-end-user-id: u-9\n"
	  "x-litellm-agent-id: nvim\n"
	  "x-litellm-tags: project:billing,env:dev,mode:code,feature:chat,team:pay,"
	  "cost:7\n"
	  "x-litellm-spend-logs-metadata: {\"task_id\":\"T-42\","
	  "\"parent_task_id\":\"T-41\",\"conversation_id\":\"C-7\","
	  "\"project_id\":\"billing\",\"organization_id\":\"acme\","
	  "\"request_id\":\"R-1\",\"app_version\":\"0.10\"}\n",
	  "x-litellm-session-id: T-42\n"
	  "x-litellm-spend-logs-metadata: {\"task_id\":\"T-42\"}\n" },
	{ "opencode",
	  "x-opencode-session: C-7\n"
	  "x-opencode-request: R-1\n"
	  "x-opencode-project: billing\n"
	  "x-opencode-client: nvim\n",
	  "x-opencode-session: T-42\n" },
	{ "openrouter",
	  "x-session-id: S-1\n"
	  "X-OpenRouter-Title: nvim\n",
	  "x-session-id: T-42\n" },
	{ "portkey",
	  "x-portkey-trace-id: C-7\n"
	  "x-portkey-metadata: {\"_user\":\"u-9\",\"session\":\"S-1\","
	  "\"task\":\"T-42\",\"project\":\"billing\",\"organization\":\"acme\","
	  "\"environment\":\"dev\",\"app\":\"nvim\",\"mode\":\"code\","
	  "\"feature\":\"chat\",\"team\":\"pay\",\"cost\":\"7\"}\n",
	  "x-portkey-trace-id: T-42\n"
	  "x-portkey-metadata: {\"session\":\"T-42\",\"task\":\"T-42\"}\n" },
	{ "truefoundry",
	  "X-TFY-METADATA: {\"task_id\":\"T-42\",\"conversation_id\":\"C-7\","
	  "\"project_id\":\"billing\",\"organization_id\":\"acme\",\"user_id\":\"u-9\","
	  "\"app\":\"nvim\",\"environment\":\"dev\",\"team\":\"pay\",\"cost\":\"7\"}\n",
	  "X-TFY-METADATA: {\"task_id\":\"T-42\",\"conversation_id\":\"T-42\"}\n" },
	{ "w3c",
	  "traceparent: " TRACEPARENT "\n"
	  "tracestate: rojo=1\n"
	  "baggage: k=v,session.id=S-1,gen_ai.conversation.id=C-7,task.id=T-42,"
	  "vcs.repository.name=billing,user.id=u-9,deployment.environment.name=dev\n",
	  "baggage: task.id=T-42\n" },
	{ "xai",
	  "x-grok-conv-id: C-7\n",
	  "x-grok-conv-id: T-42\n" },
};

static void check_lines(const struct preset *preset, const struct values *values,
			const char *expected)
{
	static char memory[16384];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	add_lines(&buf, preset, values);
	CHECK_TEXT(buf_since(&buf, 0), text_of(expected), preset->name.ptr);
}

static void lines(void)
{
	static const struct values task_only = { .field = { [FIELD_TASK_ID] = "T-42" } };
	static const struct values none = { .request_id = NULL };

	CHECK(preset_count() == sizeof(rows) / sizeof(rows[0]), "one row a preset");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct preset preset;

		CHECK(!preset_find(text_of(rows[i].name), &preset), rows[i].name);
		check_lines(&preset, &full, rows[i].full);
		check_lines(&preset, &task_only, rows[i].task_only);
		check_lines(&preset, &none, "");
	}
}

/* What holds for all of them, whatever they say. */
static void rules(void)
{
	struct preset preset, previous = { .count = 0 };

	for (size_t i = 0; i < preset_count(); i++, previous = preset) {
		size_t plain = 0;

		preset_at(i, &preset);
		CHECK(!i || strcmp(previous.name.ptr, preset.name.ptr) < 0, preset.name.ptr);
		CHECK(strstr(preset_comment(preset.name).ptr, "https://"), preset.name.ptr);
		CHECK(preset.count >= 1 && preset.count <= PRESET_ROWS_MAX, preset.name.ptr);
		CHECK(preset.headers[0].kind != HEADER_MEMBER, preset.name.ptr);
		for (size_t j = 0; j < preset.count; j++) {
			const struct header_rule *row = &preset.headers[j];

			if (row->kind == HEADER_MEMBER)
				continue;
			CHECK(header_name_ok(row->name), row->name.ptr);
			CHECK(!header_name_forbidden(row->name), row->name.ptr);
			/* LiteLLM takes it for the session */
			CHECK(!text_eq_nocase(row->name, TEXT("x-parent-session-id")),
			      preset.name.ptr);
			plain += row->kind != HEADER_FANOUT;
		}
		CHECK(plain <= LINES_MAX, preset.name.ptr);
	}
}

static void finding(void)
{
	struct preset preset = { .count = 77 };

	CHECK(preset_find(TEXT("nothing"), &preset) == -ENOENT, "unknown");
	CHECK(preset_find(TEXT(""), &preset) == -ENOENT, "empty");
	CHECK(preset_find(TEXT("generi"), &preset) == -ENOENT, "a part of a name");
	CHECK(preset_find(TEXT("generic2"), &preset) == -ENOENT, "more than a name");
	CHECK(preset.count == 77, "untouched on failure");
	CHECK(!preset_find(TEXT("opencode"), &preset), "opencode");
	CHECK_TEXT(preset.hosts, TEXT("opencode.ai,*.opencode.ai"), "hosts");
	CHECK(!preset_find(TEXT("generic"), &preset) && !preset.hosts.len, "no hosts");
}

/* Each field alone: Helicone's three session headers come together or not at all. */
static void helicone_sessions(void)
{
	struct preset preset;

	CHECK(!preset_find(TEXT("helicone"), &preset), "helicone");
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		struct values values = { .request_id = "R-1" };
		static char memory[4096];
		bool id, path, name;
		struct buf buf;

		values.field[field] = full.field[field];
		buf_init(&buf, memory, sizeof(memory));
		add_lines(&buf, &preset, &values);
		id = strstr(memory, "Helicone-Session-Id: ");
		path = strstr(memory, "Helicone-Session-Path: /");
		name = strstr(memory, "Helicone-Session-Name: ");
		CHECK(id == path && path == name, field_name(field));
		CHECK(id == (field == FIELD_TASK_ID || field == FIELD_CONVERSATION_ID ||
			     field == FIELD_SESSION_ID), field_name(field));
	}
}

/* The limits of the relays' own pages */
static void limits(void)
{
	static const struct {
		const char *preset;
		size_t fits; /* bytes of a task id; one more is left out */
	} limited[] = {
		{ "openrouter", 128 }, { "portkey", 128 }, { "truefoundry", 128 },
		{ "generic", VALUE_BYTES_MAX }, { "xai", VALUE_BYTES_MAX },
	};
	static char id[VALUE_BYTES_MAX + 2], memory[LINES_BYTES_MAX];

	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		struct values values = { .field = { [FIELD_TASK_ID] = id } };
		struct preset preset;
		struct buf buf;

		CHECK(!preset_find(text_of(limited[i].preset), &preset), limited[i].preset);
		/* a plain trace id of Portkey's has no limit of its own */
		if (preset.headers[0].kind == HEADER_TEXT && preset.headers[1].kind == HEADER_JSON)
			memmove(preset.headers, preset.headers + 1,
				--preset.count * sizeof(preset.headers[0]));
		memset(id, 'x', limited[i].fits);
		id[limited[i].fits] = '\0';
		buf_init(&buf, memory, sizeof(memory));
		add_lines(&buf, &preset, &values);
		CHECK(buf.len > limited[i].fits, limited[i].preset);
		id[limited[i].fits] = 'x';
		id[limited[i].fits + 1] = '\0';
		buf_init(&buf, memory, sizeof(memory));
		add_lines(&buf, &preset, &values);
		CHECK(buf.len == 0, limited[i].preset);
	}
}

/* Cloudflare keeps the first five entries: the preset says which. */
static void cloudflare_entries(void)
{
	static const struct values some = { .field = {
		[FIELD_TASK_ID] = "T-42",
		[FIELD_PROJECT_ID] = "billing",
		[FIELD_TAGS] = "a=1,b=2,c=3",
	} };
	struct preset preset;

	CHECK(!preset_find(TEXT("cloudflare"), &preset), "cloudflare");
	check_lines(&preset, &some,
		    "cf-aig-metadata: {\"session\":\"T-42\",\"project\":\"billing\","
		    "\"task\":\"T-42\",\"a\":\"1\",\"b\":\"2\"}\n");
}

/* core/rule.c asks no preset about a request that counts because its host is loopback. */
static void no_host_is_loopback(void)
{
	for (size_t i = 0; i < preset_count(); i++) {
		struct text name, hosts, host;

		preset_head_at(i, &name, &hosts);
		while (text_next(&hosts, ',', &host)) {
			CHECK(!text_starts_with(host, TEXT("127.")), host.ptr);
			CHECK(!text_ends_with_nocase(host, TEXT("localhost")), host.ptr);
			CHECK(text_find(host, '.') > 0 || host.ptr[0] == '*', host.ptr);
		}
	}
}

static const struct suite_test tests[] = {
	TEST(lines), TEST(rules), TEST(finding), TEST(helicone_sessions), TEST(limits),
	TEST(cloudflare_entries), TEST(no_host_is_loopback),
};

SUITE("preset", tests)
