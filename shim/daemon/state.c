// SPDX-License-Identifier: MIT
/* Scopes and their store, kept in step. */
#include "daemon/state.h"

#include <errno.h>

#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "protocol/reply.h"
#include "protocol/message.h"

static struct store_row row_of(const struct scope *scope)
{
	struct store_row row = {
		.name = text_of(scope->name),
		.parent = text_of(scope->parent ? scope->parent->name : NULL),
		.revision = scope->changed,
		.serial = scope->serial,
		.pid = scope->pid,
		.start = scope->start,
	};

	scope_values(scope, row.value);
	scope_opened_with(scope, row.opened_with);
	return row;
}

static void put_scope(struct store *store, const struct scope *scope)
{
	struct store_row row = row_of(scope);

	store_put(store, &row);
}

/* Parents were opened before their children, so they are read before them as well. */
static uint64_t put_some(void *arg, struct store *store, bool again)
{
	struct core *core = arg;
	struct store_row row;
	uint64_t serial = 0;
	bool more = true;

	if (again) {
		row = row_of(core->scopes.default_scope);
		/* The last change may have been the end of a scope, which has no row here. */
		row.revision = core->scopes.revision;
		store_put_again(store, &row);
		core->unput = TAILQ_FIRST(&core->scopes.order);
	}
	while (core->unput && more) {
		row = row_of(core->unput);
		more = store_put_again(store, &row);
		serial = core->unput->serial;
		core->unput = TAILQ_NEXT(core->unput, order);
	}
	return core->unput ? serial : STORE_ALL_PUT;
}

/* Values from the file are held to the same rules as those from the socket. */
static void keep_good_values(struct text value[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (value[field].len && wire_value_fault(field, value[field]))
			value[field] = (struct text){ NULL, 0 };
	}
}

static void open_from_row(struct core *core, const struct store_row *row)
{
	struct scope_birth birth = {
		.name = row->name,
		.pid = row->pid,
		.start = row->start,
		.parent = row->parent.len ? scopes_by_name(&core->scopes, row->parent) : NULL,
		.serial = row->serial,
	};
	struct scope *scope;

	memcpy(birth.value, row->value, sizeof(birth.value));
	memcpy(birth.opened_with, row->opened_with, sizeof(birth.opened_with));
	if (birth.parent == core->scopes.default_scope)
		birth.parent = NULL;
	scopes_open(&core->scopes, &birth, &scope);
}

/* A row replaces what an earlier one said. */
static void update_from_row(struct core *core, struct scope *scope, const struct store_row *row)
{
	bool missing[FIELD_COUNT];

	for (enum field field = 0; field < FIELD_COUNT; field++)
		missing[field] = !row->value[field].len;
	scopes_set(&core->scopes, scope, row->value);
	scopes_unset(&core->scopes, scope, missing);
}

static void on_row(void *arg, const struct store_row *given, bool same_boot)
{
	struct core *core = arg;
	struct store_row row = *given;
	struct scope *scope = scopes_by_name(&core->scopes, row.name);

	keep_good_values(row.value);
	keep_good_values(row.opened_with);
	if (row.gone) {
		if (scope && scope != core->scopes.default_scope)
			scopes_end(&core->scopes, scope);
	} else if (scope) {
		update_from_row(core, scope, &row);
	} else if ((!row.pid || same_boot) && wire_name_ok(row.name)) {
		open_from_row(core, &row);
	}
	/* Never back: somebody may have seen this number. */
	if (row.revision > core->scopes.revision)
		core->scopes.revision = row.revision;
}

/* Processes that ended while no service ran. */
static void end_dead(struct core *core)
{
	struct scope *scope, *next;

	for (scope = TAILQ_FIRST(&core->scopes.order); scope; scope = next) {
		struct process process;

		next = TAILQ_NEXT(scope, order);
		if (!scope->pid)
			continue;
		if (core->processes.lookup(core->processes.arg, scope->pid, &process) ||
		    process.start != scope->start || core->on_open(core->arg, scope))
			core_end(core, scope, "its process ended");
	}
}

int core_start(struct core *core)
{
	const struct store_owner owner = { on_row, put_some, core };
	int result;

	result = scopes_init(&core->scopes);
	if (result)
		return result;
	result = store_open(&owner, &core->store);
	if (result) {
		scopes_release(&core->scopes);
		return result;
	}
	/* What was taken once fits, but perhaps not in the order in which it was kept. */
	core->scopes.bytes_max = SCOPES_BYTES_MAX;
	end_dead(core);
	return 0;
}

void core_sync(struct core *core)
{
	store_sync(core->store);
	core_commit(core); /* what had to wait */
	store_sync(core->store);
}

void core_stop(struct core *core)
{
	core_sync(core);
	store_close(core->store);
	scopes_release(&core->scopes);
}

void core_end(struct core *core, struct scope *scope, const char *why)
{
	struct store_row row = {
		.name = text_of(scope->name),
		.serial = scope->serial,
		.gone = true,
	};

	notice_event("close", { "scope", row.name }, { "why", text_of(why) });
	core->on_end(core->arg, scope);
	row.revision = core->scopes.revision + 1;
	store_put(core->store, &row);
	if (core->unput == scope)
		core->unput = TAILQ_NEXT(scope, order);
	scopes_end(&core->scopes, scope);
}

bool core_commit(struct core *core)
{
	struct scope *scope;

	while (!store_is_busy(core->store) && (scope = scopes_take_unsaved(&core->scopes)))
		put_scope(core->store, scope);
	return store_commit(core->store);
}

void core_write_context(const struct core *core, const struct scope *scope, bool page,
			struct buf *reply)
{
	struct wire_reply answer = {
		.ok = true,
		.revision = core->scopes.revision,
		.scope = text_of(scope->name),
		.has_context = true,
		.has_page = page,
		.generation = core->scopes.generation,
	};

	scope_effective(&core->scopes, scope, answer.value);
	scope_opened_with(scope, answer.opened_with);
	wire_write_reply(reply, &answer);
}
