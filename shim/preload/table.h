/* SPDX-License-Identifier: MIT */
/* A map from an address to a value. Looking up takes no lock and no atomic read-modify-write,
 * because it stands in every curl_easy_setopt.
 *
 * Rules: values belong to the caller. Putting, getting and taking one key is done by one thread
 * at a time (libcurl's own rule for a handle); different keys may be used at the same time by any
 * threads, and after fork in the child whatever other threads did in the parent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/forkwipe.h"

struct slot {
	const void *key; /* NULL: empty */
	void *value;
};

struct slots {
	unsigned shift; /* of a hash, to become an index */
	size_t used; /* keys and tombstones; under the lock */
	struct slots *older;
	struct slot slot[];
};

/* Static and zero-initialised. */
struct table {
	struct slots *slots;
	struct forkwipe lock;
};

/* Where the search for a key begins. */
static inline size_t table_home(const struct slots *slots, const void *key)
{
	/* Fibonacci hashing: handles are allocated at similar addresses, their low bits alike. */
	return (size_t)(((uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15u) >> slots->shift);
}

/* The value of a key that is in its home slot, where most are; NULL for others. */
static inline void *table_peek(const struct table *table, const void *key)
{
	struct slots *slots = __atomic_load_n(&table->slots, __ATOMIC_ACQUIRE);
	struct slot *home;

	if (!slots || !key)
		return NULL;
	home = &slots->slot[table_home(slots, key)];
	if (__atomic_load_n(&home->key, __ATOMIC_ACQUIRE) != key)
		return NULL;
	return __atomic_load_n(&home->value, __ATOMIC_ACQUIRE);
}

/* Wherever it is; NULL when there is none. */
void *table_get(const struct table *table, const void *key);
/* Puts a value, in place of *ret_old if there was one (else NULL). False without memory, or while
 * a thread that is lost has the lock. */
bool table_put(struct table *table, const void *key, void *value, void **ret_old);
/* Takes the value out; NULL when there is none. */
void *table_take(struct table *table, const void *key);
