// SPDX-License-Identifier: MIT
/* The answer to open: a named scope, or one for a process and all that descend from it. */
#include "daemon/question.h"

#include <string.h>

#include "core/trace.h"
#include "lib/random.h"

#define RUN_NAME_BYTES 32 /* "run-" and 16 digits */
#define TRACEPARENT_BYTES 64

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

static bool make_name(const struct state *state, struct buf *name)
{
	uint8_t random[8];

	do {
		if (random_fill(random, sizeof(random)))
			return false;
		buf_cut(name, 0);
		buf_add(name, TEXT("run-"));
		buf_hex(name, random, sizeof(random));
	} while (scopes_by_name(&state->scopes, buf_since(name, 0)));
	return true;
}

static void open_scope(struct question *question, struct scope_birth *birth)
{
	struct state *state = question->state;
	struct scope *scope;
	int result;

	memcpy(birth->opened_with, question->request.value, sizeof(birth->opened_with));
	result = scopes_open(&state->scopes, birth, &scope);
	if (result) {
		question_refuse_error(question, result);
		return;
	}
	if (scope->pid && state->on_open(state->arg, scope)) {
		scopes_end(&state->scopes, scope);
		question_refuse(question, WIRE_BAD_SCOPE, "the process ended meanwhile");
		return;
	}
	question_log(question, "open", scope);
	question_reply_ok(question, text_of(scope->name));
}

static void open_process(struct question *question, const struct process *process,
			 const struct requester *requester)
{
	char name_memory[RUN_NAME_BYTES], trace_memory[TRACEPARENT_BYTES];
	struct scope_birth birth = { .pid = process->pid, .start = process->start };
	struct buf name, trace;

	buf_init(&name, name_memory, sizeof(name_memory));
	buf_init(&trace, trace_memory, sizeof(trace_memory));
	if (!make_name(question->state, &name)) {
		question_refuse(question, WIRE_NO_MEMORY, "the kernel gives no random bytes");
		return;
	}
	birth.name = buf_since(&name, 0);
	if (!question_find_nearest(question, requester, &birth.parent))
		return;
	memcpy(birth.value, question->request.value, sizeof(birth.value));
	start_trace(question->state, &birth, &trace);
	open_scope(question, &birth);
}

/* For the tree of the process that asks: it needs no number that both ends agree on. */
static void open_own(struct question *question)
{
	const struct process_table *processes = &question->state->processes;
	const struct requester requester = question_requester(question);
	struct process process;

	if (!question_may_have_ttl(question, NULL))
		return;
	if (!question_token_is_loaded(question)) {
		if (question_read_store(question, requester.token))
			return;
		/* The store is away: its scope will be around this one when it is back. */
		if (question->resumed)
			state_shared_scope(question->state, requester.token);
	}
	if (!requester.pid || processes->lookup(processes->arg, requester.pid, &process) ||
	    process.start > requester.not_after) {
		question_refuse(
			question, WIRE_BAD_SCOPE,
			"the asking process cannot be seen from here (another pid namespace?)");
		return;
	}
	open_process(question, &process, &requester);
}

/* The opener's token places the new scope only when the opener is in it itself. */
static void open_other(struct question *question)
{
	struct process process;
	struct requester requester;

	if (!question_may_have_ttl(question, NULL) || !question_named_process(question, &process))
		return;
	requester = (struct requester){ .pid = process.pid, .not_after = process.start };
	open_process(question, &process, &requester);
}

static void open_named(struct question *question)
{
	struct scope_birth birth = { .name = question->request.scope };
	struct scope *scope = scopes_by_name(&question->state->scopes, birth.name);

	if (state_is_shared_name(question->state, birth.name)) {
		question_change_shared(question, SHARED_PUT, birth.name);
	} else if (scope && scope->pid) {
		question_refuse_name(question, "a process has the scope ");
	} else if (scope) {
		question_set_fields(question, scope, "open");
	} else {
		memcpy(birth.value, question->request.value, sizeof(birth.value));
		open_scope(question, &birth);
		scope = scopes_by_name(&question->state->scopes, birth.name);
		if (scope)
			state_set_ttl(question->state, scope, question->request.ttl_seconds);
	}
}

void question_answer_open(struct question *question)
{
	switch (question->request.target) {
	case WIRE_OWN:
		open_own(question);
		break;
	case WIRE_PROCESS:
		open_other(question);
		break;
	case WIRE_NAMED:
		open_named(question);
		break;
	case WIRE_DEFAULT:
		question_refuse(question, WIRE_BAD_SCOPE, "the default scope is always open");
		break;
	}
}
