/* SPDX-License-Identifier: MIT */
/* The service without its sockets: scopes, the store that they are in, and the answers. */
#ifndef TAGALONG_DAEMON_STATE_H
#define TAGALONG_DAEMON_STATE_H

#include "lib/buf.h"
#include "daemon/pages.h"
#include "daemon/process.h"
#include "daemon/scopes.h"
#include "daemon/store.h"

struct state {
	struct scopes scopes;
	struct store *store;
	struct pages *pages; /* NULL: contexts are sent on the socket only */
	struct process_table processes;
	/* A scope of a process was opened: 0, or a negative errno when there is no such process
	 * (any more); it is then taken back. */
	int (*on_open)(void *arg, struct scope *scope);
	/* A scope is about to end. */
	void (*on_end)(void *arg, struct scope *scope);
	void *arg;
};

/* Reads the store of `store_url` and takes over what still lives. `processes` and the hooks are set
 * before. 0, or store_open's error. */
int state_start(struct state *state, const char *store_url);
/* Ends a scope; `why` is for the log. */
void state_end_scope(struct state *state, struct scope *scope, const char *why);
/* At the end of a turn, before any reply leaves: what changed is in the store. */
void state_commit(struct state *state);
void state_stop(struct state *state);

/* Appends the reply line of get and watch. With `has_page` it says that the scope's page comes
 * along. */
void state_write_context(const struct state *state, const struct scope *scope, bool has_page,
			 struct buf *reply);

/* What a connection knows of its peer. */
struct peer {
	pid_t pid; /* 0: not visible from here */
	uint64_t not_after; /* the process began no later (process_ticks), or it is another one */
	bool has_ended; /* before it was seen, so that its pid may be another process's now */
};

struct answer {
	/* Set before: whether descriptors can go with this reply. */
	bool may_pass;
	/* The scope's page, the caller's to send with the service's own, and to close; or -1. */
	int page_fd;
	/* Watch this scope from now on, whose context was just sent. */
	struct scope *watch;
};

/* Answers one line, whose memory is overwritten: appends exactly one reply line. */
void state_answer(struct state *state, const struct peer *peer, char *line, size_t len,
		  struct buf *reply, struct answer *answer);

#endif
