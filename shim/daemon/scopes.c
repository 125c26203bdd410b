// SPDX-License-Identifier: MIT
/* Scopes in memory: the default one, below it a forest of named scopes and process trees. */
#include "daemon/scopes.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/daemon_limits.h"
#include "protocol/reply.h"

#define container(entry, member) \
	((struct scope *)(void *)((char *)(entry)-offsetof(struct scope, member)))

/* All values of a scope in one piece, in the order of the fields; NULL is none. */
struct packed {
	uint16_t len[FIELD_COUNT];
	char bytes[];
};

_Static_assert(WIRE_LIST_BYTES_MAX <= UINT16_MAX, "a value's length fits");

static void unpack(const struct packed *packed, struct text ret_value[FIELD_COUNT])
{
	size_t at = 0;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		size_t len = packed ? packed->len[field] : 0;

		ret_value[field] = (struct text){ len ? packed->bytes + at : NULL, len };
		at += len;
	}
}

static size_t packed_bytes(const struct packed *packed)
{
	size_t bytes = 0;

	for (enum field field = 0; packed && field < FIELD_COUNT; field++)
		bytes += packed->len[field];
	return bytes;
}

/* False when there is no memory. */
static bool pack(const struct text value[FIELD_COUNT], struct packed **ret_packed)
{
	struct packed *packed;
	size_t bytes = 0, at = 0;

	for (enum field field = 0; field < FIELD_COUNT; field++)
		bytes += value[field].len;
	if (!bytes) {
		*ret_packed = NULL;
		return true;
	}
	packed = malloc(sizeof(*packed) + bytes);
	if (!packed)
		return false;
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		packed->len[field] = (uint16_t)value[field].len;
		if (value[field].len)
			memcpy(packed->bytes + at, value[field].ptr, value[field].len);
		at += value[field].len;
	}
	*ret_packed = packed;
	return true;
}

static void free_scope(struct scope *scope)
{
	if (!scope)
		return;
	free(scope->values);
	free(scope->opened_with);
	free(scope);
}

static struct scope *make_scope(const struct scope_birth *birth)
{
	struct scope *scope = calloc(1, sizeof(*scope) + birth->name.len + 1);
	struct text trio[FIELD_COUNT] = { 0 };

	if (!scope)
		return NULL;
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (wire_is_trio(field))
			trio[field] = birth->opened_with[field];
	}
	memcpy(scope->name, birth->name.ptr, birth->name.len);
	LIST_INIT(&scope->children);
	scope->pid = birth->pid;
	scope->start = birth->start;
	scope->expires_ms = birth->expires_ms;
	scope->parent = birth->parent;
	scope->depth = birth->parent ? birth->parent->depth + 1 : 1;
	if (pack(birth->value, &scope->values) && pack(trio, &scope->opened_with))
		return scope;
	free_scope(scope);
	return NULL;
}

static size_t scope_bytes(const struct scope *scope)
{
	return packed_bytes(scope->values) + packed_bytes(scope->opened_with);
}

static bool has_room(const struct scopes *scopes, size_t bytes)
{
	return bytes <= scopes->bytes_max && scopes->bytes <= scopes->bytes_max - bytes;
}

static void mark_unsaved(struct scopes *scopes, struct scope *scope)
{
	if (scope->is_unsaved)
		return;
	scope->is_unsaved = true;
	TAILQ_INSERT_TAIL(&scopes->unsaved, scope, unsaved);
}

void scopes_mark_changed(struct scopes *scopes, struct scope *scope)
{
	scope->changed = ++scopes->revision;
	mark_unsaved(scopes, scope);
}

int scopes_init(struct scopes *scopes)
{
	const struct scope_birth default_scope = { .name = TEXT("default") };

	*scopes = (struct scopes){ .bytes_max = SIZE_MAX };
	TAILQ_INIT(&scopes->order);
	TAILQ_INIT(&scopes->unsaved);
	scopes->default_scope = make_scope(&default_scope);
	if (scopes->default_scope && !index_init(&scopes->by_name) &&
	    !index_init(&scopes->by_process))
		return 0;
	scopes_release(scopes);
	return -ENOMEM;
}

void scopes_release(struct scopes *scopes)
{
	struct scope *scope;

	while ((scope = TAILQ_FIRST(&scopes->order))) {
		TAILQ_REMOVE(&scopes->order, scope, order);
		free_scope(scope);
	}
	free_scope(scopes->default_scope);
	index_release(&scopes->by_name);
	index_release(&scopes->by_process);
}

int scopes_open(struct scopes *scopes, const struct scope_birth *birth, struct scope **ret_scope)
{
	struct scope *scope;

	if (scopes->count == SCOPES_MAX ||
	    (birth->parent && birth->parent->depth == SCOPE_DEPTH_MAX))
		return -EDQUOT;
	scope = make_scope(birth);
	if (!scope)
		return -ENOMEM;
	if (!has_room(scopes, scope_bytes(scope))) {
		free_scope(scope);
		return -EDQUOT;
	}
	scopes->bytes += scope_bytes(scope);
	/* Read from a file, a serial may be any number; the list is in their order all the same. */
	scope->serial = scopes->last_serial + 1;
	if (birth->serial > scope->serial)
		scope->serial = birth->serial;
	scopes->last_serial = scope->serial;
	TAILQ_INSERT_TAIL(&scopes->order, scope, order);
	index_add(&scopes->by_name, &scope->by_name, index_text_key(birth->name));
	if (scope->pid) {
		index_add(&scopes->by_process, &scope->by_process, (uint64_t)scope->pid);
		scopes->processes++;
	}
	if (scope->parent)
		LIST_INSERT_HEAD(&scope->parent->children, scope, sibling);
	scopes->count++;
	scopes->generation++;
	scopes_mark_changed(scopes, scope);
	*ret_scope = scope;
	return 0;
}

/* The depths below stay as they were, one too high: they only bound the nesting. */
static void hand_children_up(struct scopes *scopes, struct scope *scope)
{
	struct scope *child;

	while ((child = LIST_FIRST(&scope->children))) {
		LIST_REMOVE(child, sibling);
		child->parent = scope->parent;
		child->changed = scopes->revision;
		mark_unsaved(scopes, child);
		if (scope->parent)
			LIST_INSERT_HEAD(&scope->parent->children, child, sibling);
	}
}

void scopes_end(struct scopes *scopes, struct scope *scope)
{
	scopes->revision++;
	scopes->generation++;
	hand_children_up(scopes, scope);
	if (scope->parent)
		LIST_REMOVE(scope, sibling);
	TAILQ_REMOVE(&scopes->order, scope, order);
	index_remove(&scopes->by_name, &scope->by_name);
	if (scope->pid) {
		index_remove(&scopes->by_process, &scope->by_process);
		scopes->processes--;
	}
	if (scope->is_unsaved)
		TAILQ_REMOVE(&scopes->unsaved, scope, unsaved);
	scopes->count--;
	scopes->bytes -= scope_bytes(scope);
	free_scope(scope);
}

int scopes_replace(struct scopes *scopes, struct scope *scope, const struct text value[FIELD_COUNT])
{
	struct text before[FIELD_COUNT];
	struct packed *packed;
	bool changed = false;

	scope_values(scope, before);
	for (enum field field = 0; field < FIELD_COUNT; field++)
		changed |= !text_eq(before[field], value[field]);
	if (!changed)
		return 0;
	if (!pack(value, &packed))
		return -ENOMEM;
	if (packed_bytes(packed) > packed_bytes(scope->values) &&
	    !has_room(scopes, packed_bytes(packed) - packed_bytes(scope->values))) {
		free(packed);
		return -EDQUOT;
	}
	scopes->bytes += packed_bytes(packed) - packed_bytes(scope->values);
	free(scope->values);
	scope->values = packed;
	scopes_mark_changed(scopes, scope);
	return 1;
}

int scopes_set(struct scopes *scopes, struct scope *scope, const struct text value[FIELD_COUNT])
{
	struct text merged[FIELD_COUNT];

	scope_values(scope, merged);
	if (value[FIELD_TRACEPARENT].len)
		merged[FIELD_TRACESTATE] = (struct text){ NULL, 0 };
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (value[field].len)
			merged[field] = value[field];
	}
	return scopes_replace(scopes, scope, merged);
}

int scopes_unset(struct scopes *scopes, struct scope *scope, const bool unset[FIELD_COUNT])
{
	struct text left[FIELD_COUNT];

	scope_values(scope, left);
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (unset[field])
			left[field] = (struct text){ NULL, 0 };
	}
	return scopes_replace(scopes, scope, left);
}

struct scope *scopes_by_name(const struct scopes *scopes, struct text name)
{
	struct index_entry *entry;

	if (text_eq(name, text_of(scopes->default_scope->name)))
		return scopes->default_scope;
	for (entry = index_first(&scopes->by_name, index_text_key(name)); entry;
	     entry = index_next(entry)) {
		struct scope *scope = container(entry, by_name);

		if (text_eq(name, text_of(scope->name)))
			return scope;
	}
	return NULL;
}

struct scope *scopes_of_process(const struct scopes *scopes, pid_t pid, uint64_t start)
{
	struct scope *newest = NULL;
	struct index_entry *entry;

	for (entry = index_first(&scopes->by_process, (uint64_t)pid); entry;
	     entry = index_next(entry)) {
		struct scope *scope = container(entry, by_process);

		if (scope->start == start && (!newest || scope->serial > newest->serial))
			newest = scope;
	}
	return newest;
}

struct scope *scopes_after(const struct scopes *scopes, uint64_t serial)
{
	struct scope *scope = TAILQ_FIRST(&scopes->order);

	while (scope && scope->serial <= serial)
		scope = TAILQ_NEXT(scope, order);
	return scope;
}

struct scope *scopes_take_unsaved(struct scopes *scopes)
{
	struct scope *scope = TAILQ_FIRST(&scopes->unsaved);

	if (!scope)
		return NULL;
	TAILQ_REMOVE(&scopes->unsaved, scope, unsaved);
	scope->is_unsaved = false;
	return scope;
}

void scope_values(const struct scope *scope, struct text ret_value[FIELD_COUNT])
{
	unpack(scope->values, ret_value);
}

void scope_opened_with(const struct scope *scope, struct text ret_value[FIELD_COUNT])
{
	unpack(scope->opened_with, ret_value);
}

bool scope_is_within(const struct scope *scope, const struct scope *outer)
{
	while (scope && scope != outer)
		scope = scope->parent;
	return scope != NULL;
}

/* The next one outwards; the default scope at last, then NULL. */
static const struct scope *outwards(const struct scopes *scopes, const struct scope *scope)
{
	if (scope == scopes->default_scope)
		return NULL;
	return scope->parent ? scope->parent : scopes->default_scope;
}

void scope_effective(const struct scopes *scopes, const struct scope *scope,
		     struct text ret_value[FIELD_COUNT])
{
	/* A tracestate belongs to its traceparent: beyond the scope that gives the one, the other
	 * is another trace's. */
	bool traced = false;
	struct text own[FIELD_COUNT] = { 0 };

	memset(ret_value, 0, FIELD_COUNT * sizeof(*ret_value));
	for (; scope; scope = outwards(scopes, scope)) {
		scope_values(scope, own);
		for (enum field field = 0; field < FIELD_COUNT; field++) {
			if (!ret_value[field].len && !(field == FIELD_TRACESTATE && traced))
				ret_value[field] = own[field];
		}
		traced = ret_value[FIELD_TRACEPARENT].len > 0;
	}
}

uint64_t scope_effective_changed(const struct scopes *scopes, const struct scope *scope)
{
	uint64_t changed = 0;

	for (; scope; scope = outwards(scopes, scope)) {
		if (scope->changed > changed)
			changed = scope->changed;
	}
	return changed;
}
