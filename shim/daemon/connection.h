/* SPDX-License-Identifier: MIT */
/* One connection: lines in, replies out, in order. */
#ifndef TAGALONG_DAEMON_CONNECTION_H
#define TAGALONG_DAEMON_CONNECTION_H

#include <event2/event.h>
#include <sys/queue.h>

#include "daemon/state.h"
#include "protocol/frame.h"

struct connection;

/* What all connections of a service share. */
struct connections {
	struct core *core;
	struct event_base *base;
	TAILQ_HEAD(connection_list, connection) all; /* the one that asked last is the last */
	/* Those with replies that may be sent at the end of this turn, or wait for the store. */
	TAILQ_HEAD(connection_ready, connection) ready;
	LIST_HEAD(connection_watchers, connection) watchers;
	size_t count;
	uint64_t told; /* the revision that all watchers know of */
	uint64_t last_ms; /* when anything was asked last */
	/* One line in, one line out: used by one connection at a time. */
	char input[FRAME_BYTES], output[FRAME_BYTES + 1];
};

void connections_init(struct connections *connections, struct core *core, struct event_base *base);
/* Sends what may be sent, and ends all. */
void connections_release(struct connections *connections);

/* Takes over an accepted descriptor (non-blocking), or refuses and closes it. */
void connections_accept(struct connections *connections, int fd);
/* A scope is about to end: whoever watches it is told. */
void connections_scope_ends(struct connections *connections, const struct scope *scope);
/* At the end of a turn, after core_commit: tells watchers, sends replies. */
void connections_flush(struct connections *connections);

#endif
