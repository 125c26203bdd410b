// SPDX-License-Identifier: MIT
/* One tagged request as a line of JSON. See request_log.h for what is in it. */
#include "core/request_log.h"

#include <errno.h>
#include <unistd.h>

#include "lib/clock.h"
#include "core/variables.h"
#include "lib/chars.h"
#include "lib/json.h"
#include "lib/system.h"

struct text log_place(const struct config *config)
{
	const char *named = variable_get(VARIABLE_LOG);
	struct text place = named ? text_of(named) : config ? config->log : TEXT("");

	if (!place.len || place.ptr[0] != '/' || place.len >= PATH_BYTES_MAX)
		return TEXT("");
	return place;
}

/* A JSON string in ASCII, of whatever bytes: what is no text becomes "?". */
static void add_string(struct buf *buf, struct text text)
{
	buf_char(buf, '"');
	while (text.len) {
		struct text rest = text;
		uint32_t point;

		if (!utf8_next(&rest, &point)) {
			rest = text_from(text, 1);
			point = 0;
		}
		if (point < 0x20 || point == 0x7F)
			buf_char(buf, '?');
		else
			json_write_ascii(buf, (struct text){ text.ptr, text.len - rest.len });
		text = rest;
	}
	buf_char(buf, '"');
}

/* A member, whole or not at all. */
static void add_member(struct buf *buf, const char *key, struct text value)
{
	size_t start = buf->len;

	if (!value.len || value.len > VALUE_BYTES_MAX)
		return;
	json_write_key(buf, key);
	add_string(buf, value);
	if (buf->full)
		buf_cut(buf, start);
}

/* Seconds since 1970 with three decimals: libc's calendar would read its time zone's file. */
static void add_time(struct buf *buf)
{
	uint64_t now_ms = clock_unix_ms();

	json_write_key(buf, "time");
	buf_number(buf, now_ms / 1000);
	buf_char(buf, '.');
	for (unsigned unit = 100; unit; unit /= 10)
		buf_char(buf, (char)('0' + now_ms / unit % 10));
}

static void add_url(struct buf *buf, const struct tag_request *request)
{
	size_t start = buf->len;
	struct url url;

	if (tag_request_url(request, &url))
		return;
	if (url.host.len <= VALUE_BYTES_MAX) {
		json_write_key(buf, "relay");
		add_string(buf, url.host);
		buf->len--; /* within the quotes */
		buf_char(buf, ':');
		buf_number(buf, url.port);
		buf_char(buf, '"');
	}
	if (buf->full)
		buf_cut(buf, start);
	add_member(buf, "path", url.path);
	url_release(request->api, &url);
}

static void add_names(struct buf *buf, const struct tag_lines *lines)
{
	size_t start = buf->len;

	json_write_key(buf, "headers");
	buf_char(buf, '[');
	for (size_t i = 0; i < lines->count; i++) {
		if (i)
			buf_char(buf, ',');
		add_string(buf, tag_line_name(lines, i));
	}
	buf_char(buf, ']');
	if (buf->full)
		buf_cut(buf, start);
}

static void add_field(struct buf *buf, struct values *values, enum field field)
{
	struct text value = { NULL, 0 };

	if (values_has(values, field))
		values_lookup(values, text_of(field_name(field)), &value);
	add_member(buf, field_name(field), value);
}

/* Which way the conversation id came, where nobody gave one. */
static void add_conversation_source(struct buf *buf, const struct context *context)
{
	enum origin origin = context->origin[FIELD_CONVERSATION_ID];
	char memory[64];
	struct buf source;

	if (origin != ORIGIN_SIGNAL && origin != ORIGIN_DERIVED)
		return;
	buf_init(&source, memory, sizeof(memory));
	buf_add(&source, text_of(origin_name(origin)));
	buf_add(&source, TEXT(": "));
	buf_add(&source, text_of(context->detail[FIELD_CONVERSATION_ID]));
	add_member(buf, "conversation_from", buf_since(&source, 0));
}

/* Of the span that some header was made of. */
static void add_trace(struct buf *buf, const struct values *values)
{
	struct text trace = values->traceparent;

	if (trace.len != TRACEPARENT_BYTES)
		return;
	add_member(buf, "trace_id", (struct text){ trace.ptr + 3, 32 });
	add_member(buf, "span_id", (struct text){ trace.ptr + 36, 16 });
}

void log_entry_make(const struct tag_request *request, const struct tag_lines *lines,
		    struct values *values, struct log_entry *entry)
{
	const struct tag_observer *observer = values->observer;
	struct buf buf;

	values->observer = NULL; /* what is looked up for the log is in no header */
	/* Two bytes are kept back for the end of a line that fills the buffer. */
	buf_init(&buf, entry->line, sizeof(entry->line) - 2);
	buf_char(&buf, '{');
	add_time(&buf);
	json_write_key(&buf, "pid");
	buf_number(&buf, (uint64_t)(request->pid ? request->pid : system_getpid()));
	add_member(&buf, "command",
		   text_of(request->command ? request->command : program_invocation_short_name));
	add_url(&buf, request);
	add_names(&buf, lines);
	add_field(&buf, values, FIELD_TASK_ID);
	add_field(&buf, values, FIELD_CONVERSATION_ID);
	add_conversation_source(&buf, &values->context);
	add_field(&buf, values, FIELD_PROJECT_ID);
	add_member(&buf, "request_id", text_of(values->request_id));
	add_trace(&buf, values);
	memcpy(buf.data + buf.len, "}\n", sizeof("}\n"));
	entry->len = buf.len + 2;
	values->observer = observer;
}
