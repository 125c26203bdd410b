// SPDX-License-Identifier: MIT
/* The answers, one function an op. Each appends exactly one reply line. */
#include "daemon/question.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/notice.h"

static void answer_get(struct question *question)
{
	struct scope *scope = question_find_target(question);
	struct state *state = question->state;

	if (!scope)
		return;
	if (question->request.page && !question->token_is_unread && question->answer->may_pass &&
	    state->pages)
		question->answer->page_fd = pages_get(state->pages, &state->scopes, scope);
	state_write_context(state, scope, question->answer->page_fd >= 0, question->token_is_unread,
			    question->reply);
}

static void answer_watch(struct question *question)
{
	struct scope *scope = question_find_target(question);

	if (!scope)
		return;
	state_write_context(question->state, scope, false, question->token_is_unread,
			    question->reply);
	question->answer->watch = scope;
}

static void answer_set(struct question *question)
{
	struct scope *scope = question_find_changed(question, SHARED_SET);

	if (scope)
		question_set_fields(question, scope, "set");
}

static void answer_unset(struct question *question)
{
	struct scope *scope = question_find_changed(question, SHARED_UNSET);

	if (scope)
		question_reply_change(question, scope, "unset",
				      scopes_unset(&question->state->scopes, scope,
						   question->request.unset));
}

/* By number, only a scope of this very process: its ancestors' are others'. */
static struct scope *closing_target(struct question *question)
{
	struct process process;
	struct scope *scope;

	if (question->request.target != WIRE_PROCESS)
		return question_find_changed(question, SHARED_CLOSE);
	if (!question_named_process(question, &process))
		return NULL;
	scope = scopes_of_process(&question->state->scopes, process.pid, process.start);
	if (!scope)
		question_refuse_process(question, "has no scope of its own");
	return scope;
}

static void answer_close(struct question *question)
{
	char memory[WIRE_NAME_BYTES_MAX + 1];
	struct scope *scope = NULL;
	struct buf name;

	if (question->request.target != WIRE_DEFAULT)
		scope = closing_target(question);
	if (question->request.target == WIRE_DEFAULT ||
	    scope == question->state->scopes.default_scope) {
		question_refuse(question, WIRE_BAD_SCOPE, "the default scope cannot be closed");
		return;
	}
	if (!scope)
		return;
	buf_init(&name, memory, sizeof(memory));
	buf_add(&name, text_of(scope->name));
	state_end_scope(question->state, scope, "asked for");
	question_reply_ok(question, buf_since(&name, 0));
}

static bool list_scope(const struct state *state, const struct scope *scope, struct buf *reply)
{
	struct wire_scope row = {
		.scope = text_of(scope->name),
		.parent = text_of(scope->parent ? scope->parent->name : NULL),
		.pid = scope->pid,
	};

	scope_values(scope, row.value);
	state_describe(state, scope, false, &row.shared, &row.ttl_seconds);
	return wire_add_scope(reply, &row);
}

/* As many as fit a line. */
static void answer_list(struct question *question)
{
	const struct scopes *scopes = &question->state->scopes;
	uint64_t after = question->request.after, last = after;
	struct scope *scope;

	wire_start_list(question->reply, scopes->revision);
	if (!after)
		list_scope(question->state, scopes->default_scope, question->reply);
	for (scope = scopes_after(scopes, after); scope; scope = TAILQ_NEXT(scope, order)) {
		if (!list_scope(question->state, scope, question->reply))
			break;
		last = scope->serial;
	}
	wire_end_list(question->reply, scope ? last : 0);
}

static void answer_ping(struct question *question)
{
	struct wire_reply reply = { .ok = true, .revision = question->state->scopes.revision };
	struct shared_store *shared = question->state->shared;

	if (shared) {
		reply.shared = (struct wire_shared){
			.is_shared = true,
			.is_stale = shared_store_fault(shared) != NULL,
			.store = text_of(shared_store_address(shared)),
			.reason = text_of(shared_store_fault(shared)),
		};
	}
	wire_write_reply(question->reply, &reply);
}

static void (*const answers[WIRE_OP_COUNT])(struct question *question) = {
	[WIRE_GET] = answer_get,     [WIRE_SET] = answer_set,
	[WIRE_UNSET] = answer_unset, [WIRE_OPEN] = question_answer_open,
	[WIRE_CLOSE] = answer_close, [WIRE_LIST] = answer_list,
	[WIRE_WATCH] = answer_watch, [WIRE_PING] = answer_ping,
};

static void answer_question(struct question *question, char *line)
{
	struct answer *answer = question->answer;

	*answer = (struct answer){ .may_pass = answer->may_pass,
				   .page_fd = -1,
				   .connection = answer->connection };
	if (!wire_read_request(line, question->len, &question->request, &question->error))
		answers[question->request.op](question);
	if (question->error.code != WIRE_CODE_COUNT) {
		notice_event("refuse", { "code", text_of(wire_code_name(question->error.code)) },
			     { "message", buf_since(&question->error.message, 0) });
		wire_write_error(question->reply, question->error.code,
				 buf_since(&question->error.message, 0));
	}
}

void state_answer(struct state *state, const struct peer *peer, char *line, size_t len,
		  struct buf *reply, struct answer *answer)
{
	struct question question = {
		.state = state, .peer = peer, .reply = reply, .answer = answer, .len = len
	};
	char *copy = NULL; /* reading a line overwrites it */

	if (state->shared) {
		copy = malloc(len + 1);
		if (copy)
			memcpy(copy, line, len);
		question.line = copy;
	}
	answer_question(&question, line);
	free(copy);
}

/* What a change in the store came to. */
static void answer_changed(struct question *question, const struct pending *pending)
{
	const struct scope *scope = scopes_by_name(&question->state->scopes,
						   text_of(pending->name));

	question->request.scope = text_of(pending->name);
	if (pending->result == SHARED_DONE) {
		if (scope)
			question_log(question, wire_op_name(question->request.op), scope);
		question_reply_ok(question, text_of(pending->name));
	} else if (pending->result == SHARED_ABSENT) {
		question_refuse_name(question, "there is no scope ");
	} else {
		question_refuse(question, WIRE_STORE_AWAY, pending->message);
	}
}

void state_resume(struct state *state, struct pending *pending, enum shared_result result,
		  const char *message)
{
	static char memory[WIRE_LINE_BYTES_MAX + 2], copy[WIRE_LINE_BYTES_MAX];
	struct answer answer = { .page_fd = -1, .connection = pending->connection };
	struct buf reply;
	struct question question = {
		.state = state,
		.peer = &pending->peer,
		.reply = &reply,
		.answer = &answer,
		.line = copy,
		.len = pending->len,
		.resumed = pending,
	};

	LIST_REMOVE(pending, link);
	pending->result = result;
	pending->message = message;
	buf_init(&reply, memory, sizeof(memory));
	memcpy(copy, pending->line, pending->len);
	if (!pending->is_change) {
		answer_question(&question, pending->line);
	} else if (!wire_read_request(pending->line, pending->len, &question.request,
				      &question.error)) {
		answer_changed(&question, pending);
		if (question.error.code != WIRE_CODE_COUNT)
			wire_write_error(&reply, question.error.code,
					 buf_since(&question.error.message, 0));
	}
	if (!answer.is_pending)
		state->on_reply(state->arg, pending->connection, &reply, &answer);
	free(pending);
}

void state_cancel(struct state *state, const void *connection)
{
	struct pending *pending, *next;

	for (pending = LIST_FIRST(&state->pending); pending; pending = next) {
		next = LIST_NEXT(pending, link);
		if (connection && pending->connection != connection)
			continue;
		LIST_REMOVE(pending, link);
		shared_store_cancel(state->shared, pending);
		free(pending);
	}
}
