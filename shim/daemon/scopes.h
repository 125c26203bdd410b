/* SPDX-License-Identifier: MIT */
/* The scopes and what each sets: memory only, no I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/context.h"
#include "daemon/process.h"
#include "lib/hash_index.h"

struct packed;
struct page;

/* Read only outside of scopes.c, but for `watch`, `page`, `watchers`, `expires_ms` and what is of a
 * shared store. */
struct scope {
	TAILQ_ENTRY(scope) order; /* by serial */
	LIST_ENTRY(scope) sibling;
	LIST_HEAD(scope_children, scope) children;
	TAILQ_ENTRY(scope) unsaved;
	struct index_entry by_name, by_process;
	struct scope *parent; /* NULL: directly in the default scope */
	void *watch; /* of its process, by pid_watch.c */
	struct page *page; /* what shows it to those who read shared memory; NULL: nobody asked */
	uint64_t serial; /* grows, never reused */
	uint64_t changed; /* the revision of its last change */
	uint64_t start; /* of the process */
	uint64_t expires_ms; /* by the wall clock; 0: never */
	pid_t pid; /* 0: it belongs to no process */
	unsigned depth;
	bool is_unsaved;
	bool is_shared; /* it lives in a store for many machines, and this is a copy */
	bool is_stale; /* the copy may be old */
	uint64_t store_revision;
	unsigned watchers; /* connections that watch it */
	struct packed *values, *opened_with;
	char name[];
};

struct scopes {
	TAILQ_HEAD(scope_order, scope) order; /* without the default scope */
	TAILQ_HEAD(scope_unsaved, scope) unsaved;
	struct index by_name, by_process;
	struct scope *default_scope; /* the default scope */
	uint64_t revision, last_serial;
	size_t count, processes;
	uint32_t generation; /* changes whenever one opens or ends */
	size_t bytes, bytes_max; /* of all values; without a limit until the owner sets one */
};

/* What a scope is born with. Texts are copied. */
struct scope_birth {
	struct text name;
	pid_t pid;
	uint64_t start;
	struct scope *parent;
	uint64_t serial; /* 0: the next one */
	uint64_t expires_ms;
	struct text value[FIELD_COUNT];
	struct text opened_with[FIELD_COUNT]; /* only the W3C trio is stored */
};

/* 0 or -ENOMEM. */
int scopes_init(struct scopes *scopes);
void scopes_release(struct scopes *scopes);

/* 0, -ENOMEM, or -EDQUOT at one of the limits (limits.h). The name has to be free. */
int scopes_open(struct scopes *scopes, const struct scope_birth *birth, struct scope **ret_scope);
/* Frees it; its children then belong to its parent. Never the default scope. */
void scopes_end(struct scopes *scopes, struct scope *scope);

/* Empty values leave a field as it is. 1 when something changed, 0, or -ENOMEM or -EDQUOT. A
 * traceparent that comes alone takes the scope's tracestate away: that belonged to another one. */
int scopes_set(struct scopes *scopes, struct scope *scope, const struct text value[FIELD_COUNT]);
/* All values at once, as they are in another store. 1, 0, -ENOMEM or -EDQUOT. */
int scopes_replace(struct scopes *scopes, struct scope *scope,
		   const struct text value[FIELD_COUNT]);
/* Something about it is to be shown anew: its effective context counts as changed. */
void scopes_mark_changed(struct scopes *scopes, struct scope *scope);
/* 1 when something changed, 0, or -ENOMEM. */
int scopes_unset(struct scopes *scopes, struct scope *scope, const bool unset[FIELD_COUNT]);

/* NULL when there is none. "default" is a name as well. */
struct scope *scopes_by_name(const struct scopes *scopes, struct text name);
/* The newest of exactly this process. */
struct scope *scopes_of_process(const struct scopes *scopes, pid_t pid, uint64_t start);
/* The first that was opened after this serial. */
struct scope *scopes_after(const struct scopes *scopes, uint64_t serial);
/* Takes one off the list of those that changed since it was last asked for. */
struct scope *scopes_take_unsaved(struct scopes *scopes);

/* What it sets itself. The texts are valid until the scope changes. */
void scope_values(const struct scope *scope, struct text ret_value[FIELD_COUNT]);
/* What it was opened with, of the W3C trio. */
void scope_opened_with(const struct scope *scope, struct text ret_value[FIELD_COUNT]);
bool scope_is_within(const struct scope *scope, const struct scope *outer);
/* Merged from the outside in. The texts are valid until something changes. */
void scope_effective(const struct scopes *scopes, const struct scope *scope,
		     struct text ret_value[FIELD_COUNT]);
/* The revision of the last change of what scope_effective gives. */
uint64_t scope_effective_changed(const struct scopes *scopes, const struct scope *scope);

/* Who asks: a pid, and the latest start (ticks) that makes it the process that is meant. A pid that
 * began later was reused; 0 is a process of another pid namespace, which has no ancestors here. */
struct requester {
	pid_t pid;
	uint64_t not_after;
	struct text token; /* TAGALONG_SCOPE; may be empty */
};

/* Whether a process is in this scope because its token names it, whatever process it is; for NULL:
 * in the default scope because it has no token. */
bool scope_is_meant_by_token(const struct scopes *scopes, const struct scope *scope);
/* The scope that a process is in, NULL when it is the default one. 0, or a negative errno when that
 * cannot be found out: -ESRCH when the process has ended. */
int nearest_scope(const struct scopes *scopes, const struct process_table *table,
		  const struct requester *requester, struct scope **ret_scope);
