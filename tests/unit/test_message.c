// SPDX-License-Identifier: MIT
/* Requests and replies: read by table, written and read back. */
#include "suite.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/json.h"
#include "protocol/reply.h"
#include "protocol/message.h"

static int read_request(const char *text, struct wire_request *request, struct wire_error *fault)
{
	static char line[FRAME_BYTES];

	strcpy(line, text);
	return wire_read_request(line, strlen(text), request, fault);
}

static const struct refusal {
	const char *line, *code, *message; /* the beginning of it */
} refusals[] = {
	{ "", "bad_json", "expected an object (at byte 0)" },
	{ "[]", "bad_json", "expected an object" },
	{ "{\"v\":1,\"op\":\"get\"} x", "bad_json", "unexpected text" },
	{ "{\"v\":1,\"op\":\"get\",}", "bad_json", "expected a string" },
	{ "{\"v\":1,\"v\":1,\"op\":\"get\"}", "bad_json", "a member is given twice: \"v\"" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":\"a\",\"mode\":\"b\"}}", "bad_json",
	  "a member is given twice: \"mode\"" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"pid\":1,\"pid\":2}}", "bad_json",
	  "a member is given" },
	{ "{\"op\":\"get\"}", "bad_version", "\"v\":1 is missing" },
	{ "{\"v\":2,\"op\":\"teleport\"}", "bad_version", "\"v\" has to be 1" },
	{ "{\"v\":\"1\",\"op\":\"get\"}", "bad_version", "\"v\" has to be 1" },
	{ "{\"v\":1.0,\"op\":\"get\"}", "bad_version", "\"v\" has to be 1" },
	{ "{\"v\":1}", "bad_op", "\"op\" is missing" },
	{ "{\"v\":1,\"op\":7}", "bad_op", "\"op\" has to be a string" },
	{ "{\"v\":1,\"op\":\"teleport\"}", "bad_op", "there is no op \"teleport\"" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":\"x\"}", "bad_scope",
	  "\"scope\" has to be an object" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{}}", "bad_scope", "\"scope\" wants one of" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"pid\":1,\"name\":\"x\"}}", "bad_scope",
	  "\"scope\" wants" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"pid\":0}}", "bad_scope",
	  "a scope's pid has to be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"pid\":-1}}", "bad_scope",
	  "a scope's pid has to be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"pid\":2147483648}}", "bad_scope", "a scope's pid" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"pid\":\"1\"}}", "bad_scope", "a scope's pid" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"default\":false}}", "bad_scope",
	  "\"default\" has to be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"default\":1}}", "bad_scope",
	  "\"default\" has to be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"name\":7}}", "bad_scope",
	  "a scope's name has to be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"name\":\"default\"}}", "bad_scope",
	  "this cannot be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"name\":\"pid:1\"}}", "bad_scope",
	  "this cannot be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"name\":\"a b\"}}", "bad_scope", "this cannot be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"name\":\"\"}}", "bad_scope", "this cannot be" },
	{ "{\"v\":1,\"op\":\"get\",\"scope\":{\"nmae\":\"x\"}}", "bad_scope",
	  "a scope is given by" },
	{ "{\"v\":1,\"op\":\"close\"}", "bad_scope", "close wants a \"scope\"" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"task\":\"x\"}}", "bad_field",
	  "there is no field \"task\"; the fields are: task_id, parent_task_id" },
	{ "{\"v\":1,\"op\":\"unset\",\"fields\":[\"task\"]}", "bad_field",
	  "there is no field \"task\"" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":{\"a,b\":\"x\"}}}", "bad_field",
	  "a tag is" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":{\"a=b\":\"x\"}}}", "bad_field",
	  "a tag is" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":{\"a\":\"x,y\"}}}", "bad_field",
	  "a tag is" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":{\"\":\"x\"}}}", "bad_field", "a tag is" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":{\"a\":7}}}", "bad_value",
	  "a tag has to be" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":{}}}", "bad_value",
	  "the value of tags is empty" },
	{ "{\"v\":1,\"op\":\"set\"}", "bad_value", "set wants a \"context\"" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":[]}", "bad_value",
	  "\"context\" has to be an object" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":7}}", "bad_value",
	  "a value has to be a string" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":null}}", "bad_value",
	  "a value has to be" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":\"\"}}", "bad_value",
	  "the value of mode is empty" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":\"a\\nb\"}}", "bad_value",
	  "the value of mode has a control character" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":\"\\u007f\"}}", "bad_value",
	  "the value of mode" },
	{ "{\"v\":1,\"op\":\"unset\"}", "bad_value", "unset wants \"fields\"" },
	{ "{\"v\":1,\"op\":\"unset\",\"fields\":{}}", "bad_value",
	  "\"fields\" has to be an array" },
	{ "{\"v\":1,\"op\":\"unset\",\"fields\":[1]}", "bad_value", "a field's name has to be" },
	{ "{\"v\":1,\"op\":\"list\",\"after\":-1}", "bad_value", "\"after\" has to be" },
	/* of several faults the first of the table */
	{ "{\"context\":{\"task\":\"x\"},\"scope\":{},\"op\":\"x\",\"v\":9}", "bad_version",
	  "\"v\" has" },
	{ "{\"v\":1,\"op\":\"set\",\"context\":{\"mode\":\"\",\"task\":\"x\"}}", "bad_field",
	  "there is no" },
};

static void refused(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct wire_request request;
		struct wire_error fault;
		struct text message;

		CHECK(read_request(refusals[i].line, &request, &fault) == -EINVAL,
		      refusals[i].line);
		if (fault.code == WIRE_CODE_COUNT)
			continue;
		CHECK_TEXT(text_of(wire_code_name(fault.code)), text_of(refusals[i].code),
			   refusals[i].line);
		message = buf_since(&fault.message, 0);
		if (message.len > strlen(refusals[i].message))
			message.len = strlen(refusals[i].message);
		CHECK_TEXT(message, text_of(refusals[i].message), refusals[i].line);
	}
}

/* What is sent back of somebody's bytes is short, UTF-8 and without control characters. */
static void quoting(void)
{
	struct wire_error fault;
	char field[200];

	wire_error_init(&fault);
	memset(field, 'x', sizeof(field));
	memcpy(field, "\x1b[31m\xFF\xC3\xA9", 8);
	wire_error_start(&fault, WIRE_BAD_FIELD, TEXT(""));
	wire_error_quote(&fault, (struct text){ field, sizeof(field) });
	CHECK(text_starts_with(buf_since(&fault.message, 0), TEXT("\"?[31m?\xC3\xA9xxx")),
	      "begins");
	CHECK(text_ends_with(buf_since(&fault.message, 0), TEXT("xxx...\"")), "is cut");
	CHECK(fault.message.len < WIRE_QUOTED_BYTES_MAX + 8, "is short");
}

static void taken(void)
{
	struct wire_request request;
	struct wire_error fault;

	CHECK(!read_request("{\"op\":\"get\",\"v\":1}", &request, &fault), "in any order");
	CHECK(request.op == WIRE_GET && request.target == WIRE_OWN && !request.scope.len, "get");

	CHECK(!read_request("{\"v\":1,\"op\":\"get\",\"page\":true,\"later\":{\"x\":[1]}}",
			    &request, &fault),
	      "members of later versions");

	CHECK(!read_request("{\"v\":1,\"op\":\"get\",\"scope\":{\"token\":\"run-1\"}}", &request,
			    &fault), "token");
	CHECK_TEXT(request.scope, TEXT("run-1"), "token");
	CHECK(!read_request("{\"v\":1,\"op\":\"get\",\"scope\":{\"token\":\"no name\"}}", &request,
			    &fault), "a token that is none");
	CHECK(request.target == WIRE_OWN && !request.scope.len, "is as none");

	CHECK(!read_request("{\"v\":1,\"op\":\"set\",\"scope\":{\"pid\":4711},"
			    "\"context\":{\"t\\u0061sk_id\":\"\\u0041\",\"tags\":\"a=b\"}}",
			    &request, &fault), "set");
	CHECK(request.target == WIRE_PROCESS && request.pid == 4711, "pid");
	CHECK_TEXT(request.value[FIELD_TASK_ID], TEXT("A"), "escapes in name and value");
	CHECK_TEXT(request.value[FIELD_TAGS], TEXT("a=b"), "tags as a string");

	CHECK(!read_request("{\"v\":1,\"op\":\"set\",\"context\":{\"tags\":"
			    "{ \"team\" : \"p\\u00e4y\" , \"env\" : \"ci\" },\"mode\":\"x\"}}",
			    &request, &fault), "tags as an object");
	CHECK_TEXT(request.value[FIELD_TAGS], TEXT("team=p\xC3\xA4y,env=ci"), "become a string");
	CHECK_TEXT(request.value[FIELD_MODE], TEXT("x"), "and what follows is not hurt");

	CHECK(!read_request("{\"v\":1,\"op\":\"unset\",\"fields\":[\"mode\",\"mode\"]}", &request,
			    &fault), "unset");
	CHECK(request.unset[FIELD_MODE] && !request.unset[FIELD_TASK_ID], "fields");
	CHECK(!read_request("{\"v\":1,\"op\":\"unset\",\"fields\":[]}", &request, &fault),
	      "nothing");
	CHECK(!read_request("{\"v\":1,\"op\":\"list\",\"after\":18446744073709551615}", &request,
			    &fault) && request.after == UINT64_MAX, "after");
}

/* Values at their limits: quotes count twice, because they take two bytes of a line. */
static void value_limits(void)
{
	static char text[WIRE_LIST_BYTES_MAX + 1];

	memset(text, 'x', sizeof(text));
	CHECK(!wire_value_error(FIELD_MODE, (struct text){ text, 1024 }), "an id");
	CHECK(wire_value_error(FIELD_MODE, (struct text){ text, 1025 }) != NULL, "too long");
	CHECK(!wire_value_error(FIELD_BAGGAGE, (struct text){ text, 8192 }), "a list");
	CHECK(wire_value_error(FIELD_BAGGAGE, (struct text){ text, 8193 }) != NULL, "too long");
	text[0] = '"';
	CHECK(wire_value_error(FIELD_MODE, (struct text){ text, 1024 }) != NULL, "a quote");
	CHECK(!wire_value_error(FIELD_MODE, (struct text){ text, 1023 }), "a quote that fits");
	CHECK(wire_value_error(FIELD_MODE, TEXT("\xC3")) != NULL, "no UTF-8");
	CHECK(wire_value_error(FIELD_MODE, TEXT("a\0b")) != NULL, "NUL");
	CHECK(!wire_value_error(FIELD_MODE, TEXT("\xC3\xA9")), "UTF-8");
}

static struct text written(const struct wire_request *request)
{
	static char memory[FRAME_BYTES + 1];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	wire_write_request(&buf, request);
	CU_ASSERT_FALSE(buf.full);
	return buf_since(&buf, 0);
}

static void request_lines(void)
{
	struct wire_request set = { .op = WIRE_SET, .target = WIRE_NAMED, .scope = TEXT("ci-7") };
	struct wire_request unset = { .op = WIRE_UNSET, .target = WIRE_DEFAULT };
	struct wire_request open = { .op = WIRE_OPEN, .target = WIRE_PROCESS, .pid = 4711 };
	struct wire_request list = { .op = WIRE_LIST, .after = 9 };
	char memory[128];
	struct buf buf;

	set.value[FIELD_TASK_ID] = TEXT("T-\"1\"");
	set.value[FIELD_TAGS] = TEXT("a=b");
	CHECK_TEXT(written(&set),
		   TEXT("{\"v\":1,\"op\":\"set\",\"scope\":{\"name\":\"ci-7\"},"
			"\"context\":{\"task_id\":\"T-\\\"1\\\"\",\"tags\":\"a=b\"}}\n"),
		   "set");
	unset.unset[FIELD_MODE] = unset.unset[FIELD_APP] = true;
	CHECK_TEXT(written(&unset), TEXT("{\"v\":1,\"op\":\"unset\",\"scope\":{\"default\":true},"
					 "\"fields\":[\"mode\",\"app\"]}\n"), "unset");
	CHECK_TEXT(written(&open), TEXT("{\"v\":1,\"op\":\"open\",\"scope\":{\"pid\":4711},"
					"\"context\":{}}\n"), "open");
	CHECK_TEXT(written(&list), TEXT("{\"v\":1,\"op\":\"list\",\"after\":9}\n"), "list");

	buf_init(&buf, memory, sizeof(memory));
	wire_get_request(&buf, TEXT("run-1"), false);
	CHECK_TEXT(buf_since(&buf, 0),
		   TEXT("{\"v\":1,\"op\":\"get\",\"scope\":{\"token\":\"run-1\"}}\n"), "get");
	buf_cut(&buf, 0);
	wire_get_request(&buf, TEXT("no\"name"), true);
	CHECK_TEXT(buf_since(&buf, 0), TEXT("{\"v\":1,\"op\":\"get\",\"page\":true}\n"), "a token that is none");
}

static int read_reply(const char *text, struct wire_reply *reply)
{
	static char line[1024];

	strcpy(line, text);
	return wire_read_reply(line, strlen(text), reply);
}

static void replies(void)
{
	static const char *const bad[] = {
		"",
		"{}",
		"{\"v\":1,\"ok\":true}",
		"{\"v\":2,\"ok\":true,\"revision\":1}",
		"{\"ok\":true,\"revision\":1}",
		"{\"v\":1,\"ok\":\"yes\",\"revision\":1}",
		"{\"v\":1,\"ok\":false}",
		"{\"v\":1,\"ok\":false,\"error\":{\"message\":\"x\"}}",
		"{\"v\":1,\"ok\":false,\"error\":\"x\"}",
		"{\"v\":1,\"ok\":true,\"revision\":-1}",
		"{\"v\":1,\"ok\":true,\"revision\":1,\"context\":{\"task_id\":7}}",
		"{\"v\":1,\"ok\":true,\"revision\":1,\"context\":null}",
		"{\"v\":1,\"ok\":true,\"revision\":1} x",
		"HTTP/1.1 400 Bad Request",
	};
	struct wire_reply reply;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(read_reply(bad[i], &reply) == -EBADMSG, bad[i]);
	CHECK(!read_reply(
		      "{\"v\":1,\"ok\":true,\"revision\":7,\"new\":[1],\"context\":{\"task_id\":"
		      "\"T-\\u0034\",\"unheard_of\":{\"x\":1}},\"opened_with\":{\"traceparent\":"
		      "\"00-x\"}}",
		      &reply),
	      "get");
	CHECK(reply.ok && reply.revision == 7 && reply.has_context, "get");
	CHECK_TEXT(reply.value[FIELD_TASK_ID], TEXT("T-4"), "value");
	CHECK_TEXT(reply.opened_with[FIELD_TRACEPARENT], TEXT("00-x"), "opened_with");
	CHECK(!read_reply(
		      "{\"v\":1,\"ok\":false,\"error\":{\"code\":\"bad_op\",\"message\":\"no\"}}",
		      &reply),
	      "error");
	CHECK_TEXT(reply.error_code, TEXT("bad_op"), "code");
	CHECK_TEXT(reply.error_message, TEXT("no"), "message");
}

/* Every value as long as it may be: the line still has room. */
static void largest_reply(void)
{
	static char text[WIRE_LIST_BYTES_MAX], line[FRAME_BYTES + 1];
	struct wire_reply reply = { .ok = true, .has_context = true, .revision = UINT64_MAX }, back;
	struct buf buf;

	memset(text, '"', sizeof(text)); /* two bytes each */
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		bool list = field == FIELD_TAGS ||
			    (wire_is_trio(field) && field != FIELD_TRACEPARENT);

		reply.value[field] = (struct text){ text, list ? 4096 : 512 };
		CHECK(!wire_value_error(field, reply.value[field]), field_name(field));
		if (wire_is_trio(field))
			reply.opened_with[field] = reply.value[field];
	}
	reply.scope = (struct text){ text, WIRE_NAME_BYTES_MAX };
	buf_init(&buf, line, sizeof(line));
	wire_write_reply(&buf, &reply);
	CHECK(!buf.full && buf.len <= WIRE_LINE_BYTES_MAX, "fits");
	CHECK(!wire_read_reply(line, buf.len - 1, &back), "can be read");
	CHECK_TEXT(back.value[FIELD_TAGS], reply.value[FIELD_TAGS], "a list");
	CHECK_TEXT(back.opened_with[FIELD_BAGGAGE], reply.value[FIELD_BAGGAGE], "opened_with");
}

static void lists(void)
{
	struct wire_scope scope = { .scope = TEXT("run-1"), .parent = TEXT("run-0"), .pid = 7 },
			  back;
	struct wire_reply reply;
	char memory[300];
	struct buf buf;
	int rows = 0;

	scope.value[FIELD_MODE] = TEXT("a]\"[");
	buf_init(&buf, memory, sizeof(memory));
	wire_start_list(&buf, 3);
	while (wire_add_scope(&buf, &scope))
		rows++;
	wire_end_list(&buf, UINT64_MAX);
	CHECK(!buf.full && rows == 3, "as many as fit, and the end");
	CHECK(!wire_read_reply(memory, buf.len - 1, &reply), "can be read");
	CHECK(reply.next == UINT64_MAX, "next");
	for (; rows; rows--) {
		CHECK(wire_next_scope(&reply.scopes, &back) == 1, "row");
		CHECK_TEXT(back.scope, scope.scope, "scope");
		CHECK_TEXT(back.parent, scope.parent, "parent");
		CHECK_TEXT(back.value[FIELD_MODE], scope.value[FIELD_MODE], "value");
		CHECK(back.pid == 7, "pid");
	}
	CHECK(wire_next_scope(&reply.scopes, &back) == 0, "the end");

	CHECK(!read_reply("{\"v\":1,\"ok\":true,\"revision\":1,\"scopes\":[ ]}", &reply), "none");
	CHECK(wire_next_scope(&reply.scopes, &back) == 0, "none");
	CHECK(!read_reply("{\"v\":1,\"ok\":true,\"revision\":1,\"scopes\":[ {} , 7 ]}", &reply),
	      "odd");
	CHECK(wire_next_scope(&reply.scopes, &back) == 1, "an empty row");
	CHECK(wire_next_scope(&reply.scopes, &back) == -EBADMSG, "no row");
	CHECK(!read_reply("{\"v\":1,\"ok\":true,\"revision\":1,\"scopes\":{}}", &reply), "no list");
	CHECK(wire_next_scope(&reply.scopes, &back) != 1, "no list");
}

static const struct suite_test tests[] = {
	TEST(refused),	     TEST(quoting), TEST(taken),	 TEST(value_limits),
	TEST(request_lines), TEST(replies), TEST(largest_reply), TEST(lists),
};

SUITE("message", tests)
