// SPDX-License-Identifier: MIT
/* Two ways lead from a process to its scope. Its ancestors: right until one of them dies and the
 * process is handed to another parent (double fork, daemon). The token that `tagalong run` puts in
 * the environment: survives that, but is inherited past scopes that were opened later without it.
 * So whichever is nearer wins. */
#include "daemon/scopes.h"

#include <errno.h>

#include "daemon/daemon_limits.h"

/* To the parent: 1, 0 at the top, or a negative errno. A parent that is younger than its child is
 * another process with a reused number: the child was handed on meanwhile, and has a new parent
 * when it is looked up again. */
static int go_up(const struct process_table *table, struct process *process)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		uint64_t start = process->start;
		struct process parent;
		int result;

		if (process->parent <= 0)
			return 0;
		result = table->lookup(table->arg, process->parent, &parent);
		if (!result && parent.start <= start) {
			*process = parent;
			return 1;
		}
		if (result && result != -ESRCH)
			return result;
		result = table->lookup(table->arg, process->pid, process);
		if (result || process->start != start)
			return result;
	}
	return 0;
}

/* A name in the environment was put there on purpose. And in a process tree without a scope inside
 * it there is nothing nearer: the usual case, and no look at /proc. */
bool scope_is_meant_by_token(const struct scopes *scopes, const struct scope *scope)
{
	return !scopes->processes || (scope && (!scope->pid || LIST_EMPTY(&scope->children)));
}

int nearest_scope(const struct scopes *scopes, const struct process_table *table,
		  const struct requester *requester, struct scope **ret_scope)
{
	struct scope *token = requester->token.len ? scopes_by_name(scopes, requester->token) :
						     NULL;
	struct scope *nearest = NULL;
	struct process process;
	bool has_token = false; /* the token's process is an ancestor */
	int result;

	*ret_scope = token;
	if (scope_is_meant_by_token(scopes, token))
		return 0;
	/* One of another pid namespace has no ancestors here. */
	if (!requester->pid)
		return 0;
	result = table->lookup(table->arg, requester->pid, &process);
	if (!result && process.start > requester->not_after)
		result = -ESRCH;
	if (result == -ENOSYS)
		return 0; /* there is no usable /proc: a warning at the start said so */
	for (int i = 0; !result && i < ANCESTORS_MAX; i++) {
		if (!nearest)
			nearest = scopes_of_process(scopes, process.pid, process.start);
		has_token = token && token->pid == process.pid && token->start == process.start;
		if ((nearest && !token) || has_token)
			break;
		result = go_up(table, &process);
		if (result <= 0)
			break;
		result = 0;
	}
	if (result < 0)
		return result;
	if (!token || (nearest && (has_token || scope_is_within(nearest, token))))
		*ret_scope = nearest;
	return 0;
}
