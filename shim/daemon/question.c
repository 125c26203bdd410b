// SPDX-License-Identifier: MIT
/* What the answers have in common: refusals, the scope that a request is about, and changes that
 * the shared store makes. */
#include "daemon/question.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/notice.h"
#include "daemon/process.h"

void question_refuse(struct question *question, enum wire_code code, const char *message)
{
	wire_error_start(&question->error, code, text_of(message));
}

void question_refuse_name(struct question *question, const char *message)
{
	if (wire_error_start(&question->error, WIRE_BAD_SCOPE, text_of(message)))
		wire_error_quote(&question->error, question->request.scope);
}

void question_refuse_process(struct question *question, const char *message)
{
	struct buf *text = &question->error.message;

	if (!wire_error_start(&question->error, WIRE_BAD_SCOPE, TEXT("process ")))
		return;
	buf_number(text, (uint64_t)question->request.pid);
	buf_char(text, ' ');
	buf_add(text, text_of(message));
}

void question_refuse_error(struct question *question, int error)
{
	if (error == -EDQUOT)
		question_refuse(
			question, WIRE_TOO_MANY,
			"there are 100,000 scopes, 64 in each other, or 32 MiB of values in all: "
			"no more are taken");
	else
		question_refuse(question, WIRE_NO_MEMORY, "the service is out of memory");
}

/* The store has to be asked first. False when it was, or a refusal was given. */
static bool ask_store(struct question *question, const struct shared_change *change)
{
	struct state *state = question->state;
	struct pending *pending;

	if (question->resumed)
		return false;
	pending = question->line ? calloc(1, sizeof(*pending) + question->len) : NULL;
	if (!pending || shared_store_ask(state->shared, change, pending)) {
		free(pending);
		question_refuse_error(question, -ENOMEM);
		return false;
	}
	pending->peer = *question->peer;
	pending->connection = question->answer->connection;
	pending->is_change = change->op != SHARED_GET;
	memcpy(pending->name, change->name.ptr, change->name.len);
	memcpy(pending->line, question->line, question->len);
	pending->len = question->len;
	LIST_INSERT_HEAD(&state->pending, pending, link);
	question->answer->is_pending = true;
	return true;
}

bool question_read_store(struct question *question, struct text name)
{
	const struct shared_change get = { .op = SHARED_GET, .name = name };

	return ask_store(question, &get);
}

static void refuse_store(struct question *question)
{
	question_refuse(question, WIRE_STORE_AWAY, question->resumed->message);
}

struct requester question_requester(const struct question *question)
{
	return (struct requester){ question->peer->pid, question->peer->not_after,
				   question->request.scope };
}

bool question_find_nearest(struct question *question, const struct requester *requester,
			   struct scope **ret_scope)
{
	const struct state *state = question->state;
	bool is_own = question->request.target == WIRE_OWN;
	int result = is_own && question->peer->has_ended && state->scopes.processes ? -ESRCH : 0;

	if (!result)
		result = nearest_scope(&state->scopes, &state->processes, requester, ret_scope);
	if (!result)
		return true;
	if (wire_error_start(&question->error, WIRE_BAD_SCOPE,
			     TEXT("cannot look up the asking process: "))) {
		if (!is_own) {
			buf_cut(&question->error.message, 0);
			buf_add(&question->error.message, TEXT("cannot look up the process: "));
		}
		buf_add(&question->error.message,
			result == -ESRCH ? TEXT("it has ended") : text_of(strerror(-result)));
	}
	return false;
}

bool question_named_process(struct question *question, struct process *ret_process)
{
	const struct process_table *processes = &question->state->processes;
	int result;

	if (!processes->shares_pids(question->peer->pid)) {
		question_refuse(
			question, WIRE_BAD_SCOPE,
			"the asking process is in another pid namespace: its numbers mean others "
			"here");
		return false;
	}
	result = processes->lookup(processes->arg, question->request.pid, ret_process);
	if (result)
		question_refuse_process(question,
					result == -ESRCH ? "does not exist" : strerror(-result));
	return !result;
}

bool question_token_is_loaded(struct question *question)
{
	struct state *state = question->state;
	struct text token = question->request.scope;

	if (!token.len || !state_is_shared_name(state, token))
		return true;
	question->token_is_unread = !shared_store_use(state->shared, token) &&
				    !scopes_by_name(&state->scopes, token);
	return !question->token_is_unread ||
	       (question->resumed && question->resumed->result != SHARED_FAILED);
}

struct scope *question_find_target(struct question *question)
{
	const struct scopes *scopes = &question->state->scopes;
	bool reads = question->request.op == WIRE_GET || question->request.op == WIRE_WATCH;
	struct scope *scope = NULL;
	struct requester requester;
	struct process process;

	switch (question->request.target) {
	case WIRE_OWN:
		/* A read is answered from the cache; a change must not reach another scope. */
		if (!question_token_is_loaded(question) && !reads) {
			if (!question_read_store(question, question->request.scope) &&
			    question->resumed)
				refuse_store(question);
			return NULL;
		}
		requester = question_requester(question);
		if (!question_find_nearest(question, &requester, &scope))
			return NULL;
		return scope ? scope : scopes->default_scope;
	case WIRE_DEFAULT:
		return scopes->default_scope;
	case WIRE_NAMED:
		scope = scopes_by_name(scopes, question->request.scope);
		if (!state_is_shared_name(question->state, question->request.scope)) {
			if (!scope)
				question_refuse_name(question, "there is no scope ");
			return scope;
		}
		shared_store_use(question->state->shared, question->request.scope);
		if (scope || question_read_store(question, question->request.scope))
			return scope;
		if (question->resumed && question->resumed->result == SHARED_FAILED)
			refuse_store(question);
		else
			question_refuse_name(question, "there is no scope ");
		return NULL;
	case WIRE_PROCESS:
		if (!question_named_process(question, &process))
			return NULL;
		requester = (struct requester){ .pid = process.pid, .not_after = process.start };
		if (!question_find_nearest(question, &requester, &scope))
			return NULL;
		if (!scope && !reads)
			question_refuse_process(question,
						"is in no scope; open one, or set the default");
		return scope || !reads ? scope : scopes->default_scope;
	}
	return NULL;
}

void question_reply_ok(struct question *question, struct text scope)
{
	const struct wire_reply reply = {
		.ok = true,
		.revision = question->state->scopes.revision,
		.scope = scope,
	};

	wire_write_reply(question->reply, &reply);
}

/* The names of the fields that were given, for the log. */
static struct text field_list(const struct wire_request *request, struct buf *buf)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!request->value[field].len && !request->unset[field])
			continue;
		if (buf->len)
			buf_char(buf, ',');
		buf_add(buf, text_of(field_name(field)));
	}
	return buf_since(buf, 0);
}

void question_log(const struct question *question, const char *event, const struct scope *scope)
{
	char fields_memory[WIRE_MESSAGE_BYTES_MAX], by_memory[24], pid_memory[24];
	struct buf fields, by, pid;

	if (!notice_wanted())
		return;
	buf_init(&fields, fields_memory, sizeof(fields_memory));
	buf_init(&by, by_memory, sizeof(by_memory));
	buf_init(&pid, pid_memory, sizeof(pid_memory));
	buf_number(&by, (uint64_t)question->peer->pid);
	if (scope->pid)
		buf_number(&pid, (uint64_t)scope->pid);
	notice_event(event, { "scope", text_of(scope->name) }, { "pid", buf_since(&pid, 0) },
		     { "by", buf_since(&by, 0) },
		     { "fields", field_list(&question->request, &fields) });
}

void question_reply_change(struct question *question, struct scope *scope, const char *event,
			   int result)
{
	if (result < 0) {
		question_refuse_error(question, result);
		return;
	}
	if (result > 0)
		question_log(question, event, scope);
	question_reply_ok(question, text_of(scope->name));
}

void question_change_shared(struct question *question, enum shared_op op, struct text name)
{
	struct shared_change change = {
		.op = op,
		.name = name,
		.ttl_ms = question->request.ttl_seconds * 1000,
	};

	memcpy(change.value, question->request.value, sizeof(change.value));
	memcpy(change.unset, question->request.unset, sizeof(change.unset));
	ask_store(question, &change);
}

bool question_may_have_ttl(struct question *question, const struct scope *scope)
{
	if (!question->request.ttl_seconds ||
	    (scope && !scope->pid && scope != question->state->scopes.default_scope))
		return true;
	question_refuse(question, WIRE_BAD_SCOPE, "only a named scope can have a time to live");
	return false;
}

void question_set_fields(struct question *question, struct scope *scope, const char *event)
{
	int result;

	if (!question_may_have_ttl(question, scope))
		return;
	result = scopes_set(&question->state->scopes, scope, question->request.value);
	if (result >= 0)
		state_set_ttl(question->state, scope, question->request.ttl_seconds);
	question_reply_change(question, scope, event, result);
}

struct scope *question_find_changed(struct question *question, enum shared_op op)
{
	const struct wire_request *request = &question->request;
	struct state *state = question->state;
	struct scope *scope;

	/* Whether it is there, the store knows best. */
	if (request->target == WIRE_NAMED && state_is_shared_name(state, request->scope)) {
		question_change_shared(question, op, request->scope);
		return NULL;
	}
	scope = question_find_target(question);
	if (!scope || !scope->is_shared)
		return scope;
	if (!question_may_have_ttl(question, scope))
		return NULL;
	if (scope == state->scopes.default_scope && op == SHARED_SET)
		op = SHARED_PUT;
	/* A look at the store may have come before, to know which scope is meant. */
	question->resumed = NULL;
	question_change_shared(question, op, text_of(scope->name));
	return NULL;
}
