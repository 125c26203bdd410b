// SPDX-License-Identifier: MIT
/* The answers: a function for each op, each of which appends exactly one reply line or refuses. What
 * is about a scope in the shared store waits for that: the line is put aside, and answered again
 * when the store has answered. */
#include "daemon/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/trace.h"
#include "daemon/notice.h"
#include "lib/random.h"
#include "protocol/message.h"

#define RUN_NAME_BYTES 32 /* "run-" and 16 digits */
#define TRACEPARENT_BYTES 64

/* A request that waits for the shared store, to be answered again when that has. */
struct pending {
	LIST_ENTRY(pending) link;
	struct peer peer;
	void *connection;
	bool is_change; /* else the store was only read */
	enum shared_result result; /* when it has answered */
	const char *message;
	char name[WIRE_NAME_BYTES_MAX + 1];
	size_t len;
	char line[];
};

/* A request while it is answered. */
struct question {
	struct state *state;
	const struct peer *peer;
	struct wire_request request;
	struct wire_error error;
	struct buf *reply;
	struct answer *answer;
	const char *line; /* as it was sent; NULL where nothing can be pending */
	size_t len;
	const struct pending *resumed; /* the store has answered; NULL: it was not asked */
	bool token_is_unread; /* the token's scope is in the shared store, which was not read yet */
};

/* ---- refusals ---- */

static void refuse(struct question *question, enum wire_code code, const char *message)
{
	wire_error_start(&question->error, code, text_of(message));
}

static void refuse_name(struct question *question, const char *message)
{
	if (wire_error_start(&question->error, WIRE_BAD_SCOPE, text_of(message)))
		wire_error_quote(&question->error, question->request.scope);
}

static void refuse_process(struct question *question, const char *message)
{
	struct buf *text = &question->error.message;

	if (!wire_error_start(&question->error, WIRE_BAD_SCOPE, TEXT("process ")))
		return;
	buf_number(text, (uint64_t)question->request.pid);
	buf_char(text, ' ');
	buf_add(text, text_of(message));
}

static void refuse_error(struct question *question, int error)
{
	if (error == -EDQUOT)
		refuse(question, WIRE_TOO_MANY,
		       "there are 100,000 scopes, 64 in each other, or 32 MiB of values in all: "
		       "no more are taken");
	else
		refuse(question, WIRE_NO_MEMORY, "the service is out of memory");
}

/* ---- the shared store ---- */

/* Reads the scope from the shared store before the request is answered, or has the store make the
 * change: what comes of it arrives as everybody's changes do. False when it was asked before, or
 * after a refusal. */
static bool ask_store(struct question *question, enum shared_op op, struct text name)
{
	const struct wire_request *request = &question->request;
	struct shared_change change = { .op = op, .name = name };
	struct state *state = question->state;
	struct pending *pending;

	if (question->resumed)
		return false;
	if (op != SHARED_GET) {
		change.ttl_ms = request->ttl_seconds * 1000;
		memcpy(change.value, request->value, sizeof(change.value));
		memcpy(change.unset, request->unset, sizeof(change.unset));
	}
	pending = question->line ? calloc(1, sizeof(*pending) + question->len) : NULL;
	if (!pending || shared_store_ask(state->shared, &change, pending)) {
		free(pending);
		refuse_error(question, -ENOMEM);
		return false;
	}
	pending->peer = *question->peer;
	pending->connection = question->answer->connection;
	pending->is_change = op != SHARED_GET;
	memcpy(pending->name, name.ptr, name.len);
	memcpy(pending->line, question->line, question->len);
	pending->len = question->len;
	LIST_INSERT_HEAD(&state->pending, pending, link);
	question->answer->is_pending = true;
	return true;
}

static bool store_failed(const struct question *question)
{
	return question->resumed && question->resumed->result == SHARED_FAILED;
}

static void refuse_store(struct question *question)
{
	refuse(question, WIRE_STORE_AWAY, question->resumed->message);
}

/* False for the token of a scope in the shared store that was not read yet. */
static bool token_is_loaded(struct question *question)
{
	struct state *state = question->state;
	struct text token = question->request.scope;

	if (!token.len || !state_is_shared_name(state, token))
		return true;
	question->token_is_unread = !shared_store_use(state->shared, token) &&
				    !scopes_by_name(&state->scopes, token);
	return !question->token_is_unread || (question->resumed && !store_failed(question));
}

/* ---- which scope ---- */

/* The process that asks, with the token of its TAGALONG_SCOPE. */
static struct requester requester_of(const struct question *question)
{
	return (struct requester){ question->peer->pid, question->peer->not_after,
				   question->request.scope };
}

/* The scope that a process is in, NULL for the default one. False after a refusal: whoever cannot
 * be found out is in no scope, not in the default one, which is everybody's. */
static bool find_nearest(struct question *question, const struct requester *requester,
			 struct scope **ret_scope)
{
	const struct state *state = question->state;
	bool is_own = question->request.target == WIRE_OWN;
	int result = is_own && question->peer->has_ended && state->scopes.processes ? -ESRCH : 0;

	if (!result)
		result = nearest_scope(&state->scopes, &state->processes, requester, ret_scope);
	if (result && wire_error_start(&question->error, WIRE_BAD_SCOPE,
				       is_own ? TEXT("cannot look up the asking process: ") :
						TEXT("cannot look up the process: ")))
		buf_add(&question->error.message,
			result == -ESRCH ? TEXT("it has ended") : text_of(strerror(-result)));
	return !result;
}

/* The process that the request names by number: one that means the same to both ends. */
static bool find_process(struct question *question, struct process *ret_process)
{
	const struct process_table *processes = &question->state->processes;
	int result;

	if (!processes->shares_pids(question->peer->pid)) {
		refuse(question, WIRE_BAD_SCOPE,
		       "the asking process is in another pid namespace: its numbers mean others "
		       "here");
		return false;
	}
	result = processes->lookup(processes->arg, question->request.pid, ret_process);
	if (result)
		refuse_process(question, result == -ESRCH ? "does not exist" : strerror(-result));
	return !result;
}

/* The scope of a request that reads or changes one. NULL after a refusal, or when the store was
 * asked. */
static struct scope *find_target(struct question *question)
{
	const struct scopes *scopes = &question->state->scopes;
	bool reads = question->request.op == WIRE_GET || question->request.op == WIRE_WATCH;
	struct text name = question->request.scope;
	struct scope *scope = NULL;
	struct requester requester;
	struct process process;

	switch (question->request.target) {
	case WIRE_OWN:
		/* A read is answered from the cache; a change must not reach another scope. */
		if (!token_is_loaded(question) && !reads) {
			if (!ask_store(question, SHARED_GET, name) && question->resumed)
				refuse_store(question);
			return NULL;
		}
		requester = requester_of(question);
		if (!find_nearest(question, &requester, &scope))
			return NULL;
		return scope ? scope : scopes->default_scope;
	case WIRE_DEFAULT:
		return scopes->default_scope;
	case WIRE_NAMED:
		scope = scopes_by_name(scopes, name);
		if (state_is_shared_name(question->state, name)) {
			shared_store_use(question->state->shared, name);
			if (scope || ask_store(question, SHARED_GET, name))
				return scope;
		}
		if (!scope && store_failed(question))
			refuse_store(question);
		else if (!scope)
			refuse_name(question, "there is no scope ");
		return scope;
	case WIRE_PROCESS:
		if (!find_process(question, &process))
			return NULL;
		requester = (struct requester){ .pid = process.pid, .not_after = process.start };
		if (!find_nearest(question, &requester, &scope))
			return NULL;
		/* Whoever named a process does not mean everybody's. */
		if (!scope && !reads)
			refuse_process(question, "is in no scope; open one, or set the default");
		return scope || !reads ? scope : scopes->default_scope;
	}
	return NULL;
}

/* ---- what changes have in common ---- */

/* The reply that has nothing but the scope's name. */
static void reply_ok(struct question *question, struct text scope)
{
	const struct wire_reply reply = {
		.ok = true,
		.revision = question->state->scopes.revision,
		.scope = scope,
	};

	wire_write_reply(question->reply, &reply);
}

/* A line of --verbose, with the names of the fields that the request has. */
static void log_change(const struct question *question, const char *event,
		       const struct scope *scope)
{
	const struct wire_request *request = &question->request;
	char fields_memory[WIRE_MESSAGE_BYTES_MAX], by_memory[24], pid_memory[24];
	struct buf fields, by, pid;

	if (!notice_wanted())
		return;
	buf_init(&fields, fields_memory, sizeof(fields_memory));
	buf_init(&by, by_memory, sizeof(by_memory));
	buf_init(&pid, pid_memory, sizeof(pid_memory));
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!request->value[field].len && !request->unset[field])
			continue;
		if (fields.len)
			buf_char(&fields, ',');
		buf_add(&fields, text_of(field_name(field)));
	}
	buf_number(&by, (uint64_t)question->peer->pid);
	if (scope->pid)
		buf_number(&pid, (uint64_t)scope->pid);
	notice_event(event, { "scope", text_of(scope->name) }, { "pid", buf_since(&pid, 0) },
		     { "by", buf_since(&by, 0) }, { "fields", buf_since(&fields, 0) });
}

/* After a change of fields: 1, 0 when everything was so already, or a negative errno. */
static void reply_change(struct question *question, struct scope *scope, const char *event,
			 int result)
{
	if (result < 0) {
		refuse_error(question, result);
		return;
	}
	if (result > 0)
		log_change(question, event, scope);
	reply_ok(question, text_of(scope->name));
}

/* Only a named scope: the default one is always there, and a process's ends with it. */
static bool may_have_ttl(struct question *question, const struct scope *scope)
{
	if (!question->request.ttl_seconds ||
	    (scope && !scope->pid && scope != question->state->scopes.default_scope))
		return true;
	refuse(question, WIRE_BAD_SCOPE, "only a named scope can have a time to live");
	return false;
}

/* Sets the fields of a scope of this machine, and replies. */
static void set_fields(struct question *question, struct scope *scope, const char *event)
{
	int result;

	if (!may_have_ttl(question, scope))
		return;
	result = scopes_set(&question->state->scopes, scope, question->request.value);
	if (result >= 0)
		state_set_ttl(question->state, scope, question->request.ttl_seconds);
	reply_change(question, scope, event, result);
}

/* The scope that a change is about, when it is made here; NULL when it is made in the shared store,
 * or was refused. */
static struct scope *find_changed(struct question *question, enum shared_op op)
{
	const struct wire_request *request = &question->request;
	struct state *state = question->state;
	struct scope *scope;

	/* Whether it is there, the store knows best. */
	if (request->target == WIRE_NAMED && state_is_shared_name(state, request->scope)) {
		ask_store(question, op, request->scope);
		return NULL;
	}
	scope = find_target(question);
	if (!scope || !scope->is_shared)
		return scope;
	if (!may_have_ttl(question, scope))
		return NULL;
	if (scope == state->scopes.default_scope && op == SHARED_SET)
		op = SHARED_PUT;
	/* A look at the store may have come before, to know which scope is meant. */
	question->resumed = NULL;
	ask_store(question, op, text_of(scope->name));
	return NULL;
}

/* ---- the ops ---- */

static void answer_get(struct question *question)
{
	struct scope *scope = find_target(question);
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
	struct scope *scope = find_target(question);

	if (!scope)
		return;
	state_write_context(question->state, scope, false, question->token_is_unread,
			    question->reply);
	question->answer->watch = scope;
}

static void answer_set(struct question *question)
{
	struct scope *scope = find_changed(question, SHARED_SET);

	if (scope)
		set_fields(question, scope, "set");
}

static void answer_unset(struct question *question)
{
	struct scope *scope = find_changed(question, SHARED_UNSET);

	if (scope)
		reply_change(question, scope, "unset",
			     scopes_unset(&question->state->scopes, scope,
					  question->request.unset));
}

static void answer_close(struct question *question)
{
	struct state *state = question->state;
	char memory[WIRE_NAME_BYTES_MAX + 1];
	struct process process;
	struct scope *scope;
	struct buf name;

	if (question->request.target == WIRE_DEFAULT) {
		scope = state->scopes.default_scope;
	} else if (question->request.target == WIRE_PROCESS) {
		/* By number, only a scope of this very process: its ancestors' are others'. */
		if (!find_process(question, &process))
			return;
		scope = scopes_of_process(&state->scopes, process.pid, process.start);
		if (!scope)
			refuse_process(question, "has no scope of its own");
	} else {
		scope = find_changed(question, SHARED_CLOSE);
	}
	if (scope == state->scopes.default_scope)
		refuse(question, WIRE_BAD_SCOPE, "the default scope cannot be closed");
	if (!scope || scope == state->scopes.default_scope)
		return;
	buf_init(&name, memory, sizeof(memory));
	buf_add(&name, text_of(scope->name));
	state_end_scope(state, scope, "asked for");
	reply_ok(question, buf_since(&name, 0));
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

/* ---- open: a named scope, or one for a process and all that descend from it ---- */

/* One trace for all processes of the scope, where none comes from outside. A tracestate that came
 * with an invalid traceparent goes with it (Trace Context, section 3.3). */
static void start_trace(const struct state *state, struct scope_birth *birth, struct buf *memory)
{
	const struct scope *outer = birth->parent ? birth->parent : state->scopes.default_scope;
	struct trace trace = { .flags = TRACE_FLAG_RANDOM };
	struct text effective[FIELD_COUNT];

	scope_effective(&state->scopes, outer, effective);
	if (birth->value[FIELD_TRACEPARENT].len)
		effective[FIELD_TRACEPARENT] = birth->value[FIELD_TRACEPARENT];
	if (!trace_parse(effective[FIELD_TRACEPARENT], &trace) ||
	    random_fill(trace.trace_id, sizeof(trace.trace_id)) ||
	    random_fill(trace.parent_id, sizeof(trace.parent_id)))
		return;
	/* All zero is no valid id; one chance in 2^64 is not worth a loop. */
	trace.trace_id[0] |= !trace.trace_id[0];
	trace.parent_id[0] |= !trace.parent_id[0];
	trace_format(memory, &trace);
	birth->value[FIELD_TRACEPARENT] = buf_since(memory, 0);
	birth->value[FIELD_TRACESTATE] = (struct text){ NULL, 0 };
}

/* The scope, or NULL after a refusal. */
static struct scope *open_scope(struct question *question, struct scope_birth *birth)
{
	struct state *state = question->state;
	struct scope *scope;
	int result;

	memcpy(birth->opened_with, question->request.value, sizeof(birth->opened_with));
	result = scopes_open(&state->scopes, birth, &scope);
	if (result) {
		refuse_error(question, result);
		return NULL;
	}
	if (scope->pid && state->on_open(state->arg, scope)) {
		scopes_end(&state->scopes, scope);
		refuse(question, WIRE_BAD_SCOPE, "the process ended meanwhile");
		return NULL;
	}
	log_change(question, "open", scope);
	reply_ok(question, text_of(scope->name));
	return scope;
}

static void open_process(struct question *question, const struct process *process,
			 const struct requester *requester)
{
	char name_memory[RUN_NAME_BYTES], trace_memory[TRACEPARENT_BYTES];
	struct scope_birth birth = { .pid = process->pid, .start = process->start };
	struct buf name, trace;
	uint8_t random[8];

	buf_init(&name, name_memory, sizeof(name_memory));
	buf_init(&trace, trace_memory, sizeof(trace_memory));
	do {
		if (random_fill(random, sizeof(random))) {
			refuse(question, WIRE_NO_MEMORY, "the kernel gives no random bytes");
			return;
		}
		buf_cut(&name, 0);
		buf_add(&name, TEXT("run-"));
		buf_hex(&name, random, sizeof(random));
		birth.name = buf_since(&name, 0);
	} while (scopes_by_name(&question->state->scopes, birth.name));
	if (!find_nearest(question, requester, &birth.parent))
		return;
	memcpy(birth.value, question->request.value, sizeof(birth.value));
	start_trace(question->state, &birth, &trace);
	open_scope(question, &birth);
}

/* For the tree of the process that asks: it needs no number that both ends agree on. */
static void open_own(struct question *question)
{
	const struct process_table *processes = &question->state->processes;
	const struct requester requester = requester_of(question);
	struct process process;

	if (!token_is_loaded(question)) {
		if (ask_store(question, SHARED_GET, requester.token))
			return;
		/* The store is away: its scope will be around this one when it is back. */
		if (question->resumed)
			state_shared_scope(question->state, requester.token);
	}
	if (!requester.pid || processes->lookup(processes->arg, requester.pid, &process) ||
	    process.start > requester.not_after)
		refuse(question, WIRE_BAD_SCOPE,
		       "the asking process cannot be seen from here (another pid namespace?)");
	else
		open_process(question, &process, &requester);
}

static void open_named(struct question *question)
{
	struct scope_birth birth = { .name = question->request.scope };
	struct scope *scope = scopes_by_name(&question->state->scopes, birth.name);

	if (state_is_shared_name(question->state, birth.name)) {
		ask_store(question, SHARED_PUT, birth.name);
	} else if (scope && scope->pid) {
		refuse_name(question, "a process has the scope ");
	} else if (scope) {
		set_fields(question, scope, "open");
	} else {
		memcpy(birth.value, question->request.value, sizeof(birth.value));
		scope = open_scope(question, &birth);
		if (scope)
			state_set_ttl(question->state, scope, question->request.ttl_seconds);
	}
}

static void answer_open(struct question *question)
{
	struct requester requester;
	struct process process;

	switch (question->request.target) {
	case WIRE_OWN:
		if (may_have_ttl(question, NULL))
			open_own(question);
		break;
	case WIRE_PROCESS:
		if (!may_have_ttl(question, NULL) || !find_process(question, &process))
			return;
		/* The opener's token places the new scope only when the opener is in it itself. */
		requester = (struct requester){ .pid = process.pid, .not_after = process.start };
		open_process(question, &process, &requester);
		break;
	case WIRE_NAMED:
		open_named(question);
		break;
	case WIRE_DEFAULT:
		refuse(question, WIRE_BAD_SCOPE, "the default scope is always open");
		break;
	}
}

/* ---- from a line to its reply ---- */

static void (*const answers[WIRE_OP_COUNT])(struct question *question) = {
	[WIRE_GET] = answer_get,     [WIRE_SET] = answer_set,	  [WIRE_UNSET] = answer_unset,
	[WIRE_OPEN] = answer_open,   [WIRE_CLOSE] = answer_close, [WIRE_LIST] = answer_list,
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
static void answer_changed(struct question *question)
{
	const struct pending *pending = question->resumed;
	const struct scope *scope = scopes_by_name(&question->state->scopes,
						   text_of(pending->name));

	question->request.scope = text_of(pending->name);
	if (pending->result == SHARED_DONE) {
		if (scope)
			log_change(question, wire_op_name(question->request.op), scope);
		reply_ok(question, text_of(pending->name));
	} else if (pending->result == SHARED_ABSENT) {
		refuse_name(question, "there is no scope ");
	} else {
		refuse_store(question);
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
		answer_changed(&question);
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
