// SPDX-License-Identifier: MIT
/* Scopes and their store, kept in step: what a turn of the loop changed is put at its end. */
#include "daemon/state.h"

#include <errno.h>

#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "protocol/message.h"
#include "protocol/reply.h"

static void put(struct state *state, const struct scope *scope)
{
	struct store_row row = {
		.name = text_of(scope->name),
		.parent = text_of(scope->parent ? scope->parent->name : NULL),
		.revision = scope->changed,
		.serial = scope->serial,
		.pid = scope->pid,
		.start = scope->start,
		.expires_ms = scope->expires_ms,
	};

	scope_values(scope, row.value);
	scope_opened_with(scope, row.opened_with);
	store_put(state->store, &row);
}

/* Values from the store are held to the same rules as those from the socket. */
static void drop_bad_values(struct text value[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (value[field].len && wire_value_fault(field, value[field]))
			value[field] = (struct text){ NULL, 0 };
	}
}

static void on_revision(void *arg, uint64_t revision)
{
	struct state *state = arg;

	/* Never back: somebody may have seen this number. */
	if (revision > state->scopes.revision)
		state->scopes.revision = revision;
}

/* A row replaces what an earlier one said of its scope: a journal has several of one. */
static void on_row(void *arg, const struct store_row *from_store, bool same_boot)
{
	struct state *state = arg;
	struct store_row row = *from_store;
	struct scope *scope = scopes_by_name(&state->scopes, row.name);
	bool missing[FIELD_COUNT];

	drop_bad_values(row.value);
	drop_bad_values(row.opened_with);
	if (row.gone) {
		if (scope && scope != state->scopes.default_scope)
			scopes_end(&state->scopes, scope);
	} else if (scope) {
		for (enum field field = 0; field < FIELD_COUNT; field++)
			missing[field] = !row.value[field].len;
		scopes_set(&state->scopes, scope, row.value);
		scopes_unset(&state->scopes, scope, missing);
	} else if ((!row.pid || same_boot) && wire_name_ok(row.name)) {
		struct scope_birth birth = {
			.name = row.name,
			.pid = row.pid,
			.start = row.start,
			.parent = row.parent.len ? scopes_by_name(&state->scopes, row.parent) : NULL,
			.serial = row.serial,
			.expires_ms = row.expires_ms,
		};

		memcpy(birth.value, row.value, sizeof(birth.value));
		memcpy(birth.opened_with, row.opened_with, sizeof(birth.opened_with));
		if (birth.parent == state->scopes.default_scope)
			birth.parent = NULL;
		scopes_open(&state->scopes, &birth, &scope);
	}
	on_revision(state, row.revision);
}

int state_start(struct state *state, const char *store_url)
{
	const struct store_owner owner = { on_row, on_revision, state };
	struct scope *scope, *next;
	struct process process;
	int result;

	result = scopes_init(&state->scopes);
	if (result)
		return result;
	result = store_open(store_url, &owner, &state->store);
	if (result) {
		scopes_release(&state->scopes);
		return result;
	}
	/* What was taken once fits, but perhaps not in the order in which it was stored. */
	state->scopes.bytes_max = SCOPES_BYTES_MAX;
	/* Processes that ended while no service ran. */
	for (scope = TAILQ_FIRST(&state->scopes.order); scope; scope = next) {
		next = TAILQ_NEXT(scope, order);
		if (scope->pid &&
		    (state->processes.lookup(state->processes.arg, scope->pid, &process) ||
		     process.start != scope->start || state->on_open(state->arg, scope)))
			state_end_scope(state, scope, "its process ended");
	}
	return 0;
}

void state_end_scope(struct state *state, struct scope *scope, const char *why)
{
	notice_event("close", { "scope", text_of(scope->name) }, { "why", text_of(why) });
	state->on_end(state->arg, scope);
	store_remove(state->store, scope->serial);
	scopes_end(&state->scopes, scope);
}

void state_commit(struct state *state)
{
	struct scope *scope;

	if (store_wants_all(state->store)) {
		put(state, state->scopes.default_scope);
		TAILQ_FOREACH(scope, &state->scopes.order, order)
			put(state, scope);
	}
	while ((scope = scopes_take_unsaved(&state->scopes)))
		put(state, scope);
	store_commit(state->store, state->scopes.revision);
}

void state_stop(struct state *state)
{
	state_commit(state);
	store_close(state->store);
	scopes_release(&state->scopes);
}

void state_write_context(const struct state *state, const struct scope *scope, bool has_page,
			 struct buf *reply)
{
	struct wire_reply answer = {
		.ok = true,
		.revision = state->scopes.revision,
		.scope = text_of(scope->name),
		.has_context = true,
		.has_page = has_page,
		.generation = state->scopes.generation,
	};

	scope_effective(&state->scopes, scope, answer.value);
	scope_opened_with(scope, answer.opened_with);
	wire_write_reply(reply, &answer);
}
