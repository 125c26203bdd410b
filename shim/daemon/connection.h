/* SPDX-License-Identifier: MIT */
/* Connections: lines in, replies out, in order. */
#pragma once

#include <event2/event.h>
#include <sys/queue.h>

#include "daemon/state.h"

struct connection;

/* What all connections of a service share. */
struct connections {
	struct state *state;
	struct event_base *base;
	TAILQ_HEAD(connection_list, connection) all; /* the one that asked last is the last */
	/* Those with something to send, or to end, when this turn's changes are in the store. */
	TAILQ_HEAD(connection_ready, connection) ready;
	LIST_HEAD(connection_watchers, connection) watchers;
	size_t count;
	size_t unread_bytes; /* replies that were not read yet, of all */
	uint64_t sent_revision; /* which all watchers were sent, or will be when they read */
	uint64_t last_ms; /* when anything was asked last */
	char reply[WIRE_LINE_BYTES_MAX + 2]; /* the line that is being written */
};

void connections_init(struct connections *connections, struct state *state,
		      struct event_base *base);
/* Sends what can be sent at once, and ends all. */
void connections_release(struct connections *connections);

/* Takes over an accepted descriptor (non-blocking), or refuses and closes it. */
void connections_accept(struct connections *connections, int fd);
/* The reply that a connection waited for (state.on_reply). */
void connections_reply(struct connections *connections, void *waiting, const struct buf *reply,
		       const struct answer *answer);
/* A scope is about to end: its watchers get scope_ended. */
void connections_scope_ends(struct connections *connections, const struct scope *scope);
/* At the end of a turn, after state_commit: sends replies, and news to watchers. Whether there is
 * more to send, so that another turn is wanted at once. */
bool connections_flush(struct connections *connections);
