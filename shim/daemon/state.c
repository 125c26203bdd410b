// SPDX-License-Identifier: MIT
/* Scopes and their stores in step: at the end of each turn of the loop what changed is put. */
#include "daemon/state.h"

#include <time.h>

#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "protocol/message.h"
#include "protocol/reply.h"

static void put(struct state *state, const struct scope *scope)
{
	struct store_row row;

	if (scope->is_shared)
		return;
	row = (struct store_row){
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
		if (value[field].len && wire_value_error(field, value[field]))
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

/* The default scope is there already. */
static void on_row(void *arg, const struct store_row *from_store, bool same_boot)
{
	struct state *state = arg;
	struct store_row row = *from_store;
	struct scope *scope = scopes_by_name(&state->scopes, row.name);

	drop_bad_values(row.value);
	drop_bad_values(row.opened_with);
	if (scope) {
		scopes_replace(&state->scopes, scope, row.value);
	} else if ((!row.pid || same_boot) && wire_name_ok(row.name)) {
		bool has_shared_parent = row.parent.len && state_is_shared_name(state, row.parent);
		struct scope_birth birth = {
			.name = row.name,
			.pid = row.pid,
			.start = row.start,
			.parent = has_shared_parent ? state_shared_scope(state, row.parent) :
				  row.parent.len    ? scopes_by_name(&state->scopes, row.parent) :
						      NULL,
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

/* ---- what many machines share ---- */

static bool is_made_name(struct text name)
{
	return name.len == 20 && text_starts_with(name, TEXT("run-"));
}

bool state_is_shared_name(const struct state *state, struct text name)
{
	const struct scope *scope = state->shared ? scopes_by_name(&state->scopes, name) : NULL;

	return state->shared && (scope ? scope->is_shared : !is_made_name(name));
}

struct scope *state_shared_scope(struct state *state, struct text name)
{
	const struct scope_birth birth = { .name = name };
	struct scope *scope = scopes_by_name(&state->scopes, name);

	shared_store_use(state->shared, name);
	if (!scope && scopes_open(&state->scopes, &birth, &scope))
		return NULL;
	if (!scope->is_shared)
		scope->is_stale = true; /* until it was read */
	scope->is_shared = true;
	return scope;
}

static uint64_t wall_clock_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* `ttl_ms` 0: it does not end by itself. */
static void set_expiry(struct state *state, struct scope *scope, uint64_t ttl_ms)
{
	uint64_t expires_ms = ttl_ms ? wall_clock_ms() + ttl_ms : 0;

	if (expires_ms && (!state->next_expiry_ms || expires_ms < state->next_expiry_ms))
		state->next_expiry_ms = expires_ms;
	if (expires_ms == scope->expires_ms)
		return;
	scope->expires_ms = expires_ms;
	scopes_mark_changed(&state->scopes, scope);
}

void state_set_ttl(struct state *state, struct scope *scope, uint64_t seconds)
{
	if (seconds)
		set_expiry(state, scope, seconds * 1000);
}

static void on_shared_row(void *arg, const struct shared_row *row)
{
	struct state *state = arg;
	struct scope *scope = scopes_by_name(&state->scopes, row->name);
	bool is_default = scope && scope == state->scopes.default_scope;

	if ((scope && !scope->is_shared) || (!scope && !row->exists))
		return;
	if (!row->exists && !is_default) {
		state_end_scope(state, scope, "it ended in the shared store");
		return;
	}
	scope = state_shared_scope(state, row->name);
	if (!scope || scopes_replace(&state->scopes, scope, row->value) < 0) {
		notice_warning("cannot hold the shared scope %.*s: too many scopes or values",
			       (int)row->name.len, row->name.ptr);
		return;
	}
	scope->store_revision = row->revision;
	if (scope->is_stale) {
		scope->is_stale = false;
		scopes_mark_changed(&state->scopes, scope);
	}
	set_expiry(state, scope, row->ttl_ms);
}

static void on_shared_stale(void *arg, struct text name)
{
	struct state *state = arg;
	struct scope *scope = scopes_by_name(&state->scopes, name);

	if (!scope || !scope->is_shared || scope->is_stale)
		return;
	scope->is_stale = true;
	scopes_mark_changed(&state->scopes, scope); /* watchers are informed */
}

static void on_shared_answer(void *arg, void *request, enum shared_result result,
			     const char *message)
{
	state_resume(arg, request, result, message);
}

/* Drops the copy of a name that nobody here uses any more. */
static bool is_needed(void *arg, struct text name)
{
	struct state *state = arg;
	struct scope *scope = scopes_by_name(&state->scopes, name);

	if (scope && (scope == state->scopes.default_scope || scope->watchers ||
		      !LIST_EMPTY(&scope->children)))
		return true;
	if (scope && scope->is_shared)
		state_end_scope(state, scope, "not in use here");
	return false;
}

void state_describe(const struct state *state, const struct scope *scope, bool with_outer,
		    struct wire_shared *ret_shared, uint64_t *ret_ttl_seconds)
{
	uint64_t now_ms = scope->expires_ms ? wall_clock_ms() : 0;
	const struct scope *outer = scope;

	*ret_shared = (struct wire_shared){
		.is_shared = scope->is_shared,
		.is_stale = scope->is_stale ||
			    (with_outer && state->scopes.default_scope->is_stale),
		.revision = scope->store_revision,
	};
	for (; with_outer && outer; outer = outer->parent)
		ret_shared->is_stale |= outer->is_stale;
	/* Rounded up: one that is still there has time left. */
	*ret_ttl_seconds = scope->expires_ms > now_ms ? (scope->expires_ms - now_ms + 999) / 1000 :
							scope->expires_ms != 0;
}

void state_sweep(struct state *state)
{
	uint64_t now_ms = wall_clock_ms();
	struct scope *scope, *next;

	if (state->shared && now_ms >= state->next_sweep_ms) {
		shared_store_sweep(state->shared, is_needed);
		state->next_sweep_ms = now_ms + SHARED_REREAD_MS;
	}
	if (!state->next_expiry_ms || now_ms < state->next_expiry_ms)
		return;
	state->next_expiry_ms = 0;
	for (scope = TAILQ_FIRST(&state->scopes.order); scope; scope = next) {
		next = TAILQ_NEXT(scope, order);
		if (!scope->expires_ms)
			continue;
		if (now_ms >= scope->expires_ms && !scope->is_shared) {
			state_end_scope(state, scope, "its time to live is over");
			continue;
		}
		if (now_ms >= scope->expires_ms) {
			const struct shared_change get = { .op = SHARED_GET,
							   .name = text_of(scope->name) };

			/* The store decides; while it is away, the copy goes on and is
			 * stale. */
			on_shared_stale(state, text_of(scope->name));
			scope->expires_ms = 0;
			shared_store_ask(state->shared, &get, NULL);
			continue;
		}
		if (!state->next_expiry_ms || scope->expires_ms < state->next_expiry_ms)
			state->next_expiry_ms = scope->expires_ms;
	}
}

static int open_stores(struct state *state, const char *url, struct event_base *base)
{
	const struct store_owner owner = { on_row, on_revision, state };
	const struct shared_owner shared_owner = { on_shared_row, on_shared_stale, on_shared_answer,
						   state };
	int result;

	if (!shared_store_is_url(url))
		return store_open(url, STORE_DATABASE, &owner, &state->store);
	result = shared_store_open(url, base, &shared_owner, &state->shared);
	if (result)
		return result;
	state->scopes.default_scope->is_shared = state->scopes.default_scope->is_stale = true;
	/* Trees of processes stay on this machine. */
	result = store_open("file:", STORE_LOCAL_DATABASE, &owner, &state->store);
	if (result)
		shared_store_close(state->shared);
	return result;
}

int state_start(struct state *state, const char *store_url, struct event_base *base)
{
	struct scope *scope, *next;
	struct process process;
	int result;

	LIST_INIT(&state->pending);
	result = scopes_init(&state->scopes);
	if (result)
		return result;
	result = open_stores(state, store_url, base);
	if (result) {
		scopes_release(&state->scopes);
		return result;
	}
	while (scopes_take_unsaved(&state->scopes))
		; /* they were just read, or all will be put */
	/* What was taken once fits, but perhaps not in the order in which it was stored. */
	state->scopes.bytes_max = SCOPES_BYTES_MAX;
	state->next_expiry_ms = 1; /* some may have one */
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
	if (!scope->is_shared)
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
		while (scopes_take_unsaved(&state->scopes))
			; /* they are among them */
	}
	while ((scope = scopes_take_unsaved(&state->scopes)))
		put(state, scope);
	store_commit(state->store, state->scopes.revision);
}

void state_stop(struct state *state)
{
	state_commit(state);
	state_cancel(state, NULL);
	shared_store_close(state->shared);
	store_close(state->store);
	scopes_release(&state->scopes);
}

void state_write_context(const struct state *state, const struct scope *scope, bool has_page,
			 bool is_stale, struct buf *reply)
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
	state_describe(state, scope, true, &answer.shared, &answer.ttl_seconds);
	answer.shared.is_stale |= is_stale;
	wire_write_reply(reply, &answer);
}
