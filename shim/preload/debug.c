// SPDX-License-Identifier: MIT
/* What becomes of a request, as debug lines. They show no value of the client's. */
#include "preload/debug.h"

#include <string.h>

#include "core/log.h"
#include "lib/buf.h"

static void on_header(void *arg, struct text name, struct text value, const char *reason)
{
	if (reason)
		log_line(TEXT("  "), name, TEXT(": left out: "), text_of(reason));
	else
		log_line(TEXT("  "), name, TEXT(": "), value);
}

static void on_dropped(void *arg, struct text name, unsigned count)
{
	char memory[16];
	struct buf number;

	buf_init(&number, memory, sizeof(memory));
	buf_number(&number, count);
	log_line(TEXT("  "), name,
		 TEXT(": members left out, too long, too many or not fit to send: "),
		 buf_since(&number, 0));
}

static void on_config(void *arg, const struct config_snapshot *snapshot)
{
	char memory[24];
	struct buf line;

	buf_init(&line, memory, sizeof(memory));
	if (snapshot->line) {
		buf_char(&line, ':');
		buf_number(&line, snapshot->line);
	}
	log_line(TEXT("  "), text_of(snapshot->path), buf_since(&line, 0), TEXT(": "),
		 text_of(snapshot->reason));
}

static void on_note(void *arg, enum tag_note note, const char *text)
{
	static const char starts[TAG_NOTES][48] = {
		[TAG_NOTE_SERVICE] = "  ",
		[TAG_NOTE_MISSING] = "  required, and without a value: ",
		[TAG_NOTE_BODY] = "  no conversation id from the body: ",
		[TAG_NOTE_PROJECT] = "  no project is derived: ",
	};

	log_line(text_of(starts[note]), text_of(text));
}

/* Which way the conversation id came, where nobody gave one. */
static void on_source(void *arg, struct text placeholder, const char *origin, const char *detail)
{
	if (text_eq(placeholder, TEXT("conversation_id")) &&
	    (!strcmp(origin, "client") || !strcmp(origin, "derived")))
		log_line(TEXT("  conversation_id: "), text_of(origin), TEXT(": "), text_of(detail));
}

const struct tag_observer *debug_observer(void)
{
	static const struct tag_observer observer = {
		.header = on_header,
		.dropped = on_dropped,
		.config = on_config,
		.note = on_note,
		.source = on_source,
	};

	return log_wanted() ? &observer : NULL;
}

void debug_verdict(const struct tag_request *request, const char *verdict)
{
	struct text address = text_of(request->url);
	ptrdiff_t colon = text_find(address, ':');
	size_t start = 0;

	if (!log_wanted())
		return;
	/* Queries, fragments and user names may hold secrets of the client's. */
	if (colon >= 0 && address.ptr[colon + 1] == '/') /* libcurl takes one to three of them */
		start = (size_t)colon + 1;
	while (start && address.ptr[start] == '/')
		start++;
	if (memchr(address.ptr + start, '@', strcspn(address.ptr + start, "/?#")))
		address = TEXT("(a URL with a user name)");
	else
		address.len = start + strcspn(address.ptr + start, "?#");
	log_line(text_of(request->method), TEXT(" "), address, TEXT(": "), text_of(verdict));
}
