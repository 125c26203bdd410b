// SPDX-License-Identifier: MIT
/* Scopes in memory: the default one, below it a forest of named scopes and process trees. */
#include "service/scopes.h"

#include <errno.h>
#include <stdlib.h>

#include "service/limits.h"

#define container(entry, member) \
	((struct scope *)(void *)((char *)(entry) - offsetof(struct scope, member)))

_Static_assert(FIELD_TRACESTATE == TRIO_FIRST + 1 && FIELD_BAGGAGE == TRIO_FIRST + 2 &&
		       TRIO_COUNT == 3,
	       "the trio is the end of fields.def");

/* FNV-1a. Whoever can choose names is the same user: nobody to defend the chains against. */
static uint64_t hash(struct text text)
{
	uint64_t result = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < text.len; i++)
		result = (result ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001B3);
	return result;
}

static void free_scope(struct scope *scope)
{
	if (!scope)
		return;
	for (enum field field = 0; field < FIELD_COUNT; field++)
		free(scope->value[field]);
	for (int i = 0; i < TRIO_COUNT; i++)
		free(scope->opened_with[i]);
	free(scope);
}

/* Copies what is given; all or nothing. */
static int copy_values(const struct text from[], char *to[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		to[i] = from[i].len ? strndup(from[i].ptr, from[i].len) : NULL;
		if (!from[i].len || to[i])
			continue;
		while (i--)
			free(to[i]);
		return -ENOMEM;
	}
	return 0;
}

static struct scope *make_scope(const struct scope_birth *birth)
{
	struct scope *scope = calloc(1, sizeof(*scope) + birth->name.len + 1);

	if (!scope)
		return NULL;
	memcpy(scope->name, birth->name.ptr, birth->name.len);
	LIST_INIT(&scope->children);
	if (copy_values(birth->value, scope->value, FIELD_COUNT)) {
		free(scope);
		return NULL;
	}
	if (copy_values(birth->opened_with + TRIO_FIRST, scope->opened_with, TRIO_COUNT)) {
		memset(scope->opened_with, 0, sizeof(scope->opened_with));
		free_scope(scope);
		return NULL;
	}
	scope->pid = birth->pid;
	scope->start = birth->start;
	scope->parent = birth->parent;
	scope->depth = birth->parent ? birth->parent->depth + 1 : 1;
	return scope;
}

static void touch(struct scopes *scopes, struct scope *scope)
{
	scope->changed = ++scopes->revision;
	if (scope->is_unsaved)
		return;
	scope->is_unsaved = true;
	STAILQ_INSERT_TAIL(&scopes->unsaved, scope, unsaved);
}

int scopes_init(struct scopes *scopes)
{
	const struct scope_birth outermost = { .name = TEXT("default") };

	*scopes = (struct scopes){ 0 };
	TAILQ_INIT(&scopes->order);
	STAILQ_INIT(&scopes->unsaved);
	scopes->outermost = make_scope(&outermost);
	if (scopes->outermost && !index_init(&scopes->by_name) && !index_init(&scopes->by_process))
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
	free_scope(scopes->outermost);
	index_release(&scopes->by_name);
	index_release(&scopes->by_process);
}

int scopes_open(struct scopes *scopes, const struct scope_birth *birth, struct scope **ret_scope)
{
	struct scope *scope;

	if (scopes->count == SCOPES_MAX || (birth->parent && birth->parent->depth == SCOPE_DEPTH_MAX))
		return -EDQUOT;
	scope = make_scope(birth);
	if (!scope)
		return -ENOMEM;
	/* Read from a file, a serial may be any number; the list is in their order all the same. */
	scope->serial = birth->serial > scopes->last_serial ? birth->serial : scopes->last_serial + 1;
	scopes->last_serial = scope->serial;
	TAILQ_INSERT_TAIL(&scopes->order, scope, order);
	index_add(&scopes->by_name, &scope->by_name, hash(birth->name));
	if (scope->pid) {
		index_add(&scopes->by_process, &scope->by_process, (uint64_t)scope->pid);
		scopes->processes++;
	}
	if (scope->parent)
		LIST_INSERT_HEAD(&scope->parent->children, scope, sibling);
	scopes->count++;
	touch(scopes, scope);
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
		if (scope->parent)
			LIST_INSERT_HEAD(&scope->parent->children, child, sibling);
	}
}

void scopes_end(struct scopes *scopes, struct scope *scope)
{
	scopes->revision++;
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
		STAILQ_REMOVE(&scopes->unsaved, scope, scope, unsaved);
	scopes->count--;
	free_scope(scope);
}

static bool same(const char *value, struct text text)
{
	return value && text_eq(text_of(value), text);
}

static bool drop(struct scope *scope, enum field field)
{
	bool had = scope->value[field] != NULL;

	free(scope->value[field]);
	scope->value[field] = NULL;
	return had;
}

int scopes_set(struct scopes *scopes, struct scope *scope, const struct text value[FIELD_COUNT])
{
	char *copy[FIELD_COUNT];
	bool changed = false;

	if (copy_values(value, copy, FIELD_COUNT))
		return -ENOMEM;
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!copy[field])
			continue;
		changed |= !same(scope->value[field], value[field]);
		free(scope->value[field]);
		scope->value[field] = copy[field];
	}
	if (value[FIELD_TRACEPARENT].len && !value[FIELD_TRACESTATE].len)
		changed |= drop(scope, FIELD_TRACESTATE);
	if (changed)
		touch(scopes, scope);
	return changed;
}

bool scopes_unset(struct scopes *scopes, struct scope *scope, const bool unset[FIELD_COUNT])
{
	bool changed = false;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (unset[field])
			changed |= drop(scope, field);
	}
	if (changed)
		touch(scopes, scope);
	return changed;
}

struct scope *scopes_by_name(const struct scopes *scopes, struct text name)
{
	struct index_entry *entry;

	if (text_eq(name, text_of(scopes->outermost->name)))
		return scopes->outermost;
	for (entry = index_first(&scopes->by_name, hash(name)); entry; entry = index_next(entry)) {
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
	struct scope *scope;

	TAILQ_FOREACH (scope, &scopes->order, order) {
		if (scope->serial > serial)
			break;
	}
	return scope;
}

struct scope *scopes_take_unsaved(struct scopes *scopes)
{
	struct scope *scope = STAILQ_FIRST(&scopes->unsaved);

	if (!scope)
		return NULL;
	STAILQ_REMOVE_HEAD(&scopes->unsaved, unsaved);
	scope->is_unsaved = false;
	return scope;
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
	if (scope == scopes->outermost)
		return NULL;
	return scope->parent ? scope->parent : scopes->outermost;
}

void scope_effective(const struct scopes *scopes, const struct scope *scope,
		     struct text ret_value[FIELD_COUNT])
{
	/* A tracestate belongs to its traceparent: beyond the scope that gives the one, the other
	 * is another trace's. */
	bool traced = false;

	memset(ret_value, 0, FIELD_COUNT * sizeof(*ret_value));
	for (; scope; scope = outwards(scopes, scope)) {
		for (enum field field = 0; field < FIELD_COUNT; field++) {
			if (!ret_value[field].len && !(field == FIELD_TRACESTATE && traced))
				ret_value[field] = text_of(scope->value[field]);
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
