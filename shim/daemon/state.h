/* SPDX-License-Identifier: MIT */
/* The service without its sockets: scopes, where they are kept, and the answers. */
#ifndef TAGALONG_DAEMON_STATE_H
#define TAGALONG_DAEMON_STATE_H

#include "lib/buf.h"
#include "daemon/nearest.h"
#include "daemon/pages.h"
#include "daemon/scopes.h"
#include "daemon/store.h"

struct core {
	struct scopes scopes;
	struct store *store;
	struct pages *pages; /* NULL: contexts are told on the socket only */
	struct process_table processes;
	/* A scope of a process was opened: 0, or a negative errno when there is no such process
	 * (any more); it is then taken back. */
	int (*on_open)(void *arg, struct scope *scope);
	/* A scope is about to end. */
	void (*on_end)(void *arg, struct scope *scope);
	void *arg;
	struct scope *unput; /* the next one for a new state file; NULL: all were put */
};

/* Reads the store and takes over what still lives. `processes` and the hooks are set before.
 * 0 or -ENOMEM. */
int core_start(struct core *core);
void core_stop(struct core *core);

/* Ends a scope; `why` is for the log. */
void core_end(struct core *core, struct scope *scope, const char *why);
/* At the end of a turn of the loop: what changed goes to the store. Whether another turn is wanted
 * at once (store_commit). */
bool core_commit(struct core *core);
/* All changes are handed over and, as far as that is possible now, safe. */
void core_sync(struct core *core);

/* The context service's answer to get and watch: appends a reply line. With `page` it says that
 * the scope's page comes along. */
void core_write_context(const struct core *core, const struct scope *scope, bool page,
			struct buf *reply);

/* What a connection knows of its peer. */
struct peer {
	pid_t pid; /* 0: not visible from here */
	uint64_t since; /* process_ticks when it was accepted: one that began later is another */
};

struct answer {
	/* Set before: whether descriptors can go with this reply. */
	bool may_pass;
	/* The scope's page, the caller's to send with the service's own, and to close; or -1. */
	int page_fd;
	/* Watch this scope from now on, which has just been told. */
	struct scope *watch;
	/* The reply may be sent when the store's current ticket is done. */
	bool waits;
};

/* Answers one line, whose memory is overwritten: appends exactly one reply line. */
void core_answer(struct core *core, const struct peer *peer, char *line, size_t len,
		 struct buf *reply, struct answer *answer);

#endif
