/* SPDX-License-Identifier: MIT */
/* A reply of the protocol, version 1, as a struct: the service writes it, those who ask read it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "core/context.h"
#include "protocol/message.h"

/* Of a scope, or a context, that comes from a store for many machines. */
struct wire_shared {
	bool is_shared; /* the scope lives there */
	bool is_stale; /* the store is away, or was not read yet: this is the cached copy */
	uint64_t revision; /* in the store; 0: never read */
	struct text store, reason; /* ping: which store, and why it is away */
};

/* Texts are borrowed; an empty one is absent. */
struct wire_reply {
	bool ok;
	struct text error_code, error_message; /* when not ok */
	uint64_t revision; /* grows with every change that the service makes */
	struct text scope; /* which one it is about */
	bool has_context; /* get and watch */
	struct text value[FIELD_COUNT];
	/* Of traceparent, tracestate and baggage: what the scope was opened with. A variable of the
	 * asking process that still has this value was inherited, not set nearer. */
	struct text opened_with[FIELD_COUNT];
	struct text scopes; /* list: an array, for wire_next_scope */
	uint64_t next; /* list: `after` of the next page; 0 when this was the last */
	struct wire_shared shared;
	uint64_t ttl_seconds; /* get and watch: what is left to the scope; 0: it does not end so */
	bool has_page; /* get: two descriptors come with the line (protocol/page.h) */
	uint32_t generation; /* the scopes that it was found among */
};

/* One row of a list. */
struct wire_scope {
	struct text scope, parent;
	pid_t pid; /* 0: it belongs to no process */
	struct wire_shared shared;
	uint64_t ttl_seconds;
	struct text value[FIELD_COUNT]; /* what it sets itself */
};

/* Whether the field is one of the W3C trio. */
bool wire_is_trio(enum field field);

/* Appends one line with its LF; `scopes` and `next` are not written: see below. */
void wire_write_reply(struct buf *buf, const struct wire_reply *reply);
void wire_write_error(struct buf *buf, enum wire_code code, struct text message);

/* A list: start, rows, end. A row that does not fit the buffer any more, with an end, is not
 * written, and false. */
void wire_start_list(struct buf *buf, uint64_t revision);
bool wire_add_scope(struct buf *buf, const struct wire_scope *scope);
void wire_end_list(struct buf *buf, uint64_t next);

/* Reads a line (without LF), whose memory it overwrites and into which the texts then point. 0, or
 * -EBADMSG when it is no reply of version 1; ret_reply is then undefined. Members and fields that
 * are not known are passed over. No value is checked for its length or for control characters. */
int wire_read_reply(char *line, size_t len, struct wire_reply *ret_reply);
/* Takes the next row off reply->scopes. 1, 0 at the end, or -EBADMSG. */
int wire_next_scope(struct text *scopes, struct wire_scope *ret_scope);
