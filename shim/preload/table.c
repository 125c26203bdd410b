// SPDX-License-Identifier: MIT
/* Open addressing with linear probing. Readers run beside one writer; what makes that right:
 *  - a slot's value is stored before its key, so a key that is seen has its value;
 *  - between a key's home slot and its slot there is never an empty one, at any moment: a removed
 *    key leaves a tombstone, and a tombstone becomes empty only when the slot behind it is;
 *  - growing makes a whole new array and publishes it with one store. The old array is kept: a
 *    reader may be in it. All old ones together are smaller than the one in use.
 * Each change is one store, so a child that is forked in the middle finds a whole table. */
#include "preload/table.h"

#include <stdlib.h>

#include "lib/lock.h"

#define HASH_BITS 64
#define SLOTS_BITS_FIRST 6
#define TOMBSTONE ((const void *)1) /* no handle's address */

static size_t slot_count(const struct slots *slots)
{
	return (size_t)1 << (HASH_BITS - slots->shift);
}

static const void *key_at(const struct slot *slot)
{
	return __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE);
}

static void set_key(struct slot *slot, const void *key)
{
	__atomic_store_n(&slot->key, key, __ATOMIC_RELEASE);
}

/* The slot that holds the key, or NULL. Ends, because a table is never full. */
static struct slot *find(struct slots *slots, const void *key)
{
	size_t mask, i;

	if (!slots)
		return NULL;
	mask = slot_count(slots) - 1;
	for (i = table_home(slots, key);; i = (i + 1) & mask) {
		const void *seen = key_at(&slots->slot[i]);

		if (seen == key)
			return &slots->slot[i];
		if (!seen)
			return NULL;
	}
}

/* For a key that is not there. */
static void insert(struct slots *slots, const void *key, void *value)
{
	size_t mask = slot_count(slots) - 1, i = table_home(slots, key);

	while (slots->slot[i].key && slots->slot[i].key != TOMBSTONE)
		i = (i + 1) & mask;
	slots->used += !slots->slot[i].key;
	__atomic_store_n(&slots->slot[i].value, value, __ATOMIC_RELEASE);
	set_key(&slots->slot[i], key);
}

/* Turns tombstones that no probe needs any more into empty slots. */
static void sweep(struct slots *slots, size_t i)
{
	size_t mask = slot_count(slots) - 1;

	if (slots->slot[(i + 1) & mask].key)
		return;
	while (slots->slot[i].key == TOMBSTONE) {
		set_key(&slots->slot[i], NULL);
		slots->used--;
		i = (i - 1) & mask;
	}
}

/* Makes room for one more key: at most half of the slots are in use, tombstones included. Those
 * are few, as the sweep leaves them only inside runs of keys, so it is keys that make it grow. */
static bool reserve(struct table *table)
{
	struct slots *old = table->slots, *grown;
	size_t count = (size_t)1 << SLOTS_BITS_FIRST;

	if (old && (old->used + 1) * 2 <= slot_count(old))
		return true;
	if (old)
		count = slot_count(old) * 2;
	grown = calloc(1, sizeof(*grown) + count * sizeof(grown->slot[0]));
	if (!grown)
		return false;
	grown->shift = old ? old->shift - 1 : HASH_BITS - SLOTS_BITS_FIRST;
	grown->older = old;
	for (size_t i = 0; old && i < slot_count(old); i++) {
		if (old->slot[i].key && old->slot[i].key != TOMBSTONE)
			insert(grown, old->slot[i].key, old->slot[i].value);
	}
	__atomic_store_n(&table->slots, grown, __ATOMIC_RELEASE);
	return true;
}

void *table_get(const struct table *table, const void *key)
{
	struct slot *slot;

	if (!key)
		return NULL;
	slot = find(__atomic_load_n(&table->slots, __ATOMIC_ACQUIRE), key);
	return slot ? __atomic_load_n(&slot->value, __ATOMIC_ACQUIRE) : NULL;
}

bool table_put(struct table *table, const void *key, void *value, void **ret_old)
{
	struct lock *lock = forkwipe_get(&table->lock);
	struct slot *slot;
	bool done = true;

	*ret_old = NULL;
	if (!lock || !lock_take(lock))
		return false;
	slot = find(table->slots, key);
	if (slot) {
		*ret_old = slot->value;
		__atomic_store_n(&slot->value, value, __ATOMIC_RELEASE);
	} else if (reserve(table)) {
		insert(table->slots, key, value);
	} else {
		done = false;
	}
	lock_release(lock);
	return done;
}

void *table_take(struct table *table, const void *key)
{
	struct lock *lock = forkwipe_get(&table->lock);
	struct slot *slot;
	void *value;

	/* Most keys that are asked for are not there (libcurl's own handles): no lock for them. */
	value = table_get(table, key);
	if (!value)
		return NULL;
	if (!lock || !lock_take(lock)) {
		/* The key stays, and has no value until it gets another one. */
		slot = find(__atomic_load_n(&table->slots, __ATOMIC_ACQUIRE), key);
		__atomic_store_n(&slot->value, NULL, __ATOMIC_RELEASE);
		return value;
	}
	slot = find(table->slots, key);
	if (slot) {
		set_key(slot, TOMBSTONE);
		sweep(table->slots, (size_t)(slot - table->slots->slot));
	}
	lock_release(lock);
	return value;
}
