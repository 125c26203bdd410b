/* SPDX-License-Identifier: MIT */
/* The service without its sockets: scopes, the store that they are in, and the answers. */
#pragma once

#include "lib/buf.h"
#include "daemon/pages.h"
#include "daemon/process.h"
#include "daemon/scopes.h"
#include "daemon/shared_store.h"
#include "daemon/store.h"
#include "protocol/reply.h"

struct pending;
struct answer;

struct state {
	struct scopes scopes;
	struct store *store;
	/* For named scopes and the default one, which many machines share; NULL: they are in
	 * `store`. */
	struct shared_store *shared;
	LIST_HEAD(pending_list, pending) pending; /* requests that wait for it */
	/* By the wall clock, when the first scope ends by its time to live. */
	uint64_t next_expiry_ms;
	uint64_t next_sweep_ms;
	struct pages *pages; /* NULL: contexts are sent on the socket only */
	struct process_table processes;
	/* A scope of a process was opened: 0, or a negative errno when there is no such process
	 * (any more); it is then taken back. */
	int (*on_open)(void *arg, struct scope *scope);
	/* A scope is about to end. */
	void (*on_end)(void *arg, struct scope *scope);
	/* The reply line of a request for which answer.is_pending was set. */
	void (*on_reply)(void *arg, void *connection, const struct buf *reply,
			 const struct answer *answer);
	void *arg;
};

/* Opens the store of `store_url` (a shared one too) and takes over what still lives. `processes`
 * and the hooks are set before. 0, or store_open's error. */
int state_start(struct state *state, const char *store_url, struct event_base *base);
/* Ends a scope; `why` is for the log. */
void state_end_scope(struct state *state, struct scope *scope, const char *why);
/* At the end of a turn, before any reply leaves: what changed is in the store. */
void state_commit(struct state *state);
void state_stop(struct state *state);
/* Now and then: ends what is past its time to live, and drops what is not used. */
void state_sweep(struct state *state);
/* When a scope ends by itself; 0: as it is. */
void state_set_ttl(struct state *state, struct scope *scope, uint64_t seconds);
/* Whether a scope of that name is, or would be, in the shared store. */
bool state_is_shared_name(const struct state *state, struct text name);
/* The scope of a name in the shared store, made if it is not cached yet. NULL when it cannot be. */
struct scope *state_shared_scope(struct state *state, struct text name);
/* What replies say of a scope's place, or of a context's. `with_outer`: stale as well where a scope
 * around it is. */
void state_describe(const struct state *state, const struct scope *scope, bool with_outer,
		    struct wire_shared *ret_shared, uint64_t *ret_ttl_seconds);

/* Appends the reply line of get and watch. With `has_page` it says that the scope's page comes
 * along; `is_stale`: it is stale for another reason than its scopes'. */
void state_write_context(const struct state *state, const struct scope *scope, bool has_page,
			 bool is_stale, struct buf *reply);

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
	/* There is no reply yet: state.on_reply has it later, unless state_cancel comes before. */
	bool is_pending;
	void *connection; /* set before, for on_reply */
};

/* Answers one line, whose memory is overwritten: appends exactly one reply line, or none when
 * that is pending. */
void state_answer(struct state *state, const struct peer *peer, char *line, size_t len,
		  struct buf *reply, struct answer *answer);
void state_cancel(struct state *state, const void *connection);
/* The shared store has answered a request of state_answer. */
void state_resume(struct state *state, struct pending *pending, enum shared_result result,
		  const char *message);
