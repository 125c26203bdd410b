// SPDX-License-Identifier: MIT
/*
 * Two ways lead from a process to its scope. Its ancestors: right until one of them dies and the
 * process is handed to another parent (double fork, daemon). The token that `tagalong run` puts in
 * the environment: survives that, but is inherited past scopes that were opened later without it.
 * So whichever is nearer wins.
 */
#include "daemon/nearest.h"

#include "daemon/daemon_limits.h"

/* To the parent. A parent that is younger than its child is another process with a reused number:
 * the child was handed on meanwhile, and has a new parent when looked at again. */
static bool go_up(const struct process_table *table, struct process *process)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		uint64_t start = process->start;
		struct process parent;

		if (process->parent <= 0)
			return false;
		if (!table->lookup(table->arg, process->parent, &parent) && parent.start <= start) {
			*process = parent;
			return true;
		}
		if (table->lookup(table->arg, process->pid, process) || process->start != start)
			return false;
	}
	return false;
}

static bool owns(const struct scope *scope, const struct process *process)
{
	return scope && scope->pid == process->pid && scope->start == process->start;
}

/* The nearest scope of the ancestors, and whether the token's process is one of them. */
static struct scope *scope_of_ancestors(const struct scopes *scopes,
					const struct process_table *table,
					const struct asker *asker, const struct scope *token,
					bool *ret_has_token)
{
	struct scope *nearest = NULL;
	struct process process;

	if (asker->pid <= 0 || table->lookup(table->arg, asker->pid, &process) ||
	    process.start > asker->not_after)
		return NULL;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		if (!nearest)
			nearest = scopes_of_process(scopes, process.pid, process.start);
		*ret_has_token = owns(token, &process);
		if ((nearest && !token) || *ret_has_token || !go_up(table, &process))
			break;
	}
	return nearest;
}

struct scope *nearest_scope(const struct scopes *scopes, const struct process_table *table,
			    const struct asker *asker)
{
	struct scope *token = asker->token.len ? scopes_by_name(scopes, asker->token) : NULL;
	struct scope *nearest;
	bool has_token = false;

	/* A name in the environment was put there on purpose. And in a process tree without a
	 * scope inside it there is nothing nearer: the usual case, and no look at /proc. */
	if (token && (!token->pid || LIST_EMPTY(&token->children)))
		return token;
	if (!scopes->processes)
		return NULL;
	nearest = scope_of_ancestors(scopes, table, asker, token, &has_token);
	if (!token || !nearest)
		return nearest ? nearest : token;
	return has_token || scope_is_within(nearest, token) ? nearest : token;
}
