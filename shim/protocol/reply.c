// SPDX-License-Identifier: MIT
/* Replies, written and read. */
#include "protocol/reply.h"

#include <errno.h>
#include <limits.h>

#include "lib/json.h"
#include "protocol/message.h"

/* The largest reply is a get with every value at its limit: 13 ids, three lists, and the trio once
 * more. With the names and what stands around them it has to fit a line. */
_Static_assert((FIELD_COUNT - 3) * WIRE_ID_BYTES_MAX + 3 * WIRE_LIST_BYTES_MAX + WIRE_ID_BYTES_MAX +
			       2 * WIRE_LIST_BYTES_MAX + FIELD_COUNT * 32 + WIRE_NAME_BYTES_MAX +
			       256 <
		       WIRE_LINE_BYTES_MAX,
	       "every reply fits a line");

bool wire_is_trio(enum field field)
{
	return field == FIELD_TRACEPARENT || field == FIELD_TRACESTATE || field == FIELD_BAGGAGE;
}

static void start_reply(struct buf *buf, bool ok)
{
	buf_add(buf, ok ? TEXT("{\"v\":1,\"ok\":true") : TEXT("{\"v\":1,\"ok\":false"));
}

static void write_revision(struct buf *buf, uint64_t revision)
{
	json_write_key(buf, "revision");
	buf_number(buf, revision);
}

static void write_shared(struct buf *buf, const struct wire_shared *shared)
{
	if (!shared->is_shared && !shared->is_stale)
		return;
	json_write_key(buf, "shared");
	buf_char(buf, '{');
	json_write_number(buf, "revision", shared->revision);
	json_write_text(buf, "store", shared->store);
	if (shared->is_stale) {
		json_write_key(buf, "stale");
		buf_add(buf, TEXT("true"));
	}
	json_write_text(buf, "reason", shared->reason);
	buf_char(buf, '}');
}

static bool any(const struct text value[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (value[field].len)
			return true;
	}
	return false;
}

void wire_write_reply(struct buf *buf, const struct wire_reply *reply)
{
	start_reply(buf, true);
	write_revision(buf, reply->revision);
	json_write_text(buf, "scope", reply->scope);
	if (reply->has_context)
		member_write_fields(buf, "context", reply->value);
	if (any(reply->opened_with))
		member_write_fields(buf, "opened_with", reply->opened_with);
	write_shared(buf, &reply->shared);
	json_write_number(buf, "ttl", reply->ttl_seconds);
	if (reply->has_page) {
		json_write_key(buf, "page");
		buf_char(buf, '{');
		json_write_key(buf, "topology");
		buf_number(buf, reply->generation);
		buf_char(buf, '}');
	}
	buf_add(buf, TEXT("}\n"));
}

void wire_write_error(struct buf *buf, enum wire_code code, struct text message)
{
	start_reply(buf, false);
	json_write_key(buf, "error");
	buf_char(buf, '{');
	json_write_text(buf, "code", text_of(wire_code_name(code)));
	json_write_text(buf, "message", message);
	buf_add(buf, TEXT("}}\n"));
}

void wire_start_list(struct buf *buf, uint64_t revision)
{
	start_reply(buf, true);
	write_revision(buf, revision);
	json_write_key(buf, "scopes");
	buf_char(buf, '[');
}

/* "],"next":18446744073709551615}\n" */
#define LIST_END_BYTES 32

bool wire_add_scope(struct buf *buf, const struct wire_scope *scope)
{
	size_t start = buf->len;

	if (buf->data[buf->len - 1] != '[')
		buf_char(buf, ',');
	buf_char(buf, '{');
	json_write_text(buf, "scope", scope->scope);
	json_write_number(buf, "pid", (uint64_t)scope->pid);
	json_write_text(buf, "parent", scope->parent);
	write_shared(buf, &scope->shared);
	json_write_number(buf, "ttl", scope->ttl_seconds);
	member_write_fields(buf, "context", scope->value);
	buf_char(buf, '}');
	if (!buf->full && buf->len + LIST_END_BYTES < buf->size)
		return true;
	buf_cut(buf, start);
	return false;
}

void wire_end_list(struct buf *buf, uint64_t next)
{
	buf_char(buf, ']');
	json_write_number(buf, "next", next);
	buf_add(buf, TEXT("}\n"));
}

/* The members that a reply of version 1 has to have, as bits. */
enum { HAS_V = 1, HAS_OK = 2, HAS_REVISION = 4, HAS_ERROR = 8 };

static void read_error(struct json *json, struct wire_reply *reply)
{
	struct text key;

	json_object(json);
	while (json_member(json, &key)) {
		if (text_eq(key, TEXT("code")))
			json_string(json, &reply->error_code);
		else if (text_eq(key, TEXT("message")))
			json_string(json, &reply->error_message);
		else
			json_skip(json, NULL);
	}
}

/* Enters an object; passes over what else some other service may have there. */
static bool enter_object(struct json *json)
{
	if (json_peek(json) == JSON_OBJECT)
		return json_object(json);
	json_skip(json, NULL);
	return false;
}

static void read_shared(struct json *json, struct wire_shared *shared)
{
	struct text key;

	if (!enter_object(json))
		return;
	while (json_member(json, &key)) {
		if (text_eq(key, TEXT("revision")))
			shared->is_shared = json_number(json, UINT64_MAX, &shared->revision);
		else if (text_eq(key, TEXT("store")))
			json_string(json, &shared->store);
		else if (text_eq(key, TEXT("stale")))
			json_boolean(json, &shared->is_stale);
		else if (text_eq(key, TEXT("reason")))
			json_string(json, &shared->reason);
		else
			json_skip(json, NULL);
	}
}

static void read_page(struct json *json, struct wire_reply *reply)
{
	uint64_t generation = 0;
	struct text key;

	if (!enter_object(json))
		return;
	while (json_member(json, &key)) {
		if (text_eq(key, TEXT("topology")))
			reply->has_page = json_number(json, UINT32_MAX, &generation);
		else
			json_skip(json, NULL);
	}
	reply->generation = (uint32_t)generation;
}

/* Reads the member's value; the bit of a member that has to be there. */
static unsigned read_member(struct json *json, struct text key, struct wire_reply *reply)
{
	uint64_t version = 0;

	if (text_eq(key, TEXT("v")))
		return json_number(json, 1, &version) && version ? HAS_V : 0;
	if (text_eq(key, TEXT("ok")))
		return json_boolean(json, &reply->ok) ? HAS_OK : 0;
	if (text_eq(key, TEXT("revision")))
		return json_number(json, UINT64_MAX, &reply->revision) ? HAS_REVISION : 0;
	if (text_eq(key, TEXT("error"))) {
		read_error(json, reply);
		return reply->error_code.len ? HAS_ERROR : 0;
	}
	if (text_eq(key, TEXT("scope"))) {
		json_string(json, &reply->scope);
	} else if (text_eq(key, TEXT("context"))) {
		reply->has_context = true;
		member_read_fields(json, reply->value);
	} else if (text_eq(key, TEXT("opened_with"))) {
		member_read_fields(json, reply->opened_with);
	} else if (text_eq(key, TEXT("scopes"))) {
		json_skip(json, &reply->scopes);
	} else if (text_eq(key, TEXT("next"))) {
		json_number(json, UINT64_MAX, &reply->next);
	} else if (text_eq(key, TEXT("shared"))) {
		read_shared(json, &reply->shared);
	} else if (text_eq(key, TEXT("ttl"))) {
		json_number(json, UINT64_MAX, &reply->ttl_seconds);
	} else if (text_eq(key, TEXT("page"))) {
		read_page(json, reply);
	} else {
		json_skip(json, NULL);
	}
	return 0;
}

int wire_read_reply(char *line, size_t len, struct wire_reply *ret_reply)
{
	unsigned has = 0, wanted;
	struct json json;
	struct text key;

	*ret_reply = (struct wire_reply){ 0 };
	json_init(&json, line, len);
	json_object(&json);
	while (json_member(&json, &key))
		has |= read_member(&json, key, ret_reply);
	wanted = HAS_V | HAS_OK | (ret_reply->ok ? HAS_REVISION : HAS_ERROR);
	return !json_end(&json) || (has & wanted) != wanted ? -EBADMSG : 0;
}

static void read_scope(struct json *json, struct wire_scope *scope)
{
	uint64_t pid = 0;
	struct text key;

	json_object(json);
	while (json_member(json, &key)) {
		if (text_eq(key, TEXT("scope")))
			json_string(json, &scope->scope);
		else if (text_eq(key, TEXT("parent")))
			json_string(json, &scope->parent);
		else if (text_eq(key, TEXT("pid")))
			json_number(json, INT_MAX, &pid);
		else if (text_eq(key, TEXT("shared")))
			read_shared(json, &scope->shared);
		else if (text_eq(key, TEXT("ttl")))
			json_number(json, UINT64_MAX, &scope->ttl_seconds);
		else if (text_eq(key, TEXT("context")))
			member_read_fields(json, scope->value);
		else
			json_skip(json, NULL);
	}
	scope->pid = (pid_t)pid;
}

int wire_next_scope(struct text *scopes, struct wire_scope *ret_scope)
{
	struct wire_scope scope = { 0 };
	struct json json;

	/* What is left always begins with the bracket or the comma before a row. */
	if (!scopes->len || text_eq(*scopes, TEXT("]")))
		return 0;
	json_init(&json, (char *)scopes->ptr + 1, scopes->len - 1);
	if (json_peek(&json) == JSON_NONE)
		return 0; /* "[ ]" */
	read_scope(&json, &scope);
	if (json.error)
		return -EBADMSG;
	json_peek(&json); /* over white space */
	*scopes = (struct text){ json.at, (size_t)(json.end - json.at) };
	*ret_scope = scope;
	return 1;
}
