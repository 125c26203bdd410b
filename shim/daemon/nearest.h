/* SPDX-License-Identifier: MIT */
/* Which scope a process is in: by its ancestors, and by the token in its environment. */
#ifndef TAGALONG_DAEMON_NEAREST_H
#define TAGALONG_DAEMON_NEAREST_H

#include "daemon/scopes.h"

struct process {
	pid_t pid, parent;
	uint64_t start; /* in clock ticks after boot */
	bool has_ended; /* nobody has waited for it yet */
};

/* Looks a process up: /proc, or a test's table. 0 or a negative errno. */
typedef int process_lookup_fn(void *arg, pid_t pid, struct process *ret_process);

struct process_table {
	process_lookup_fn *lookup;
	void *arg;
	/* Whether a number that this process calls a pid means the same process here: not for one
	 * of another pid namespace. */
	bool (*shares_pids)(pid_t pid);
};

/* Who asks: a pid, and the latest start (ticks) that makes it the process that is meant. A pid that
 * began later was reused, 0 is a process of another pid namespace: both have no ancestors. */
struct asker {
	pid_t pid;
	uint64_t not_after;
	struct text token; /* TAGALONG_SCOPE; may be empty */
};

/* The scope, or NULL: then the default one is meant. */
struct scope *nearest_scope(const struct scopes *scopes, const struct process_table *table,
			    const struct asker *asker);

#endif
