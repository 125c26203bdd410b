// SPDX-License-Identifier: MIT
/* The hash index: chains, doubled when they get longer than one on average. */
#include "lib/hash_index.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_FIRST 64

/* Keys are pids and hashes alike: spread them (Fibonacci hashing). */
static struct index_entry **bucket_of(const struct index *index, uint64_t key)
{
	uint64_t spread = key * UINT64_C(0x9E3779B97F4A7C15);

	return &index->bucket[(spread >> 32) & (index->buckets - 1)];
}

uint64_t index_text_key(struct text text)
{
	uint64_t result = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < text.len; i++)
		result = (result ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001B3);
	return result;
}

int index_init(struct index *index)
{
	*index = (struct index){ .buckets = BUCKETS_FIRST };
	index->bucket = calloc(index->buckets, sizeof(struct index_entry *));
	return index->bucket ? 0 : -ENOMEM;
}

void index_release(struct index *index)
{
	free(index->bucket);
	index->bucket = NULL;
}

static void link_entry(struct index *index, struct index_entry *entry)
{
	struct index_entry **bucket = bucket_of(index, entry->key);

	entry->next = *bucket;
	*bucket = entry;
}

static void grow(struct index *index)
{
	struct index larger = { .buckets = index->buckets * 2, .count = index->count };

	larger.bucket = calloc(larger.buckets, sizeof(struct index_entry *));
	if (!larger.bucket)
		return;
	for (size_t i = 0; i < index->buckets; i++) {
		struct index_entry *entry, *next;

		for (entry = index->bucket[i]; entry; entry = next) {
			next = entry->next;
			link_entry(&larger, entry);
		}
	}
	free(index->bucket);
	*index = larger;
}

void index_add(struct index *index, struct index_entry *entry, uint64_t key)
{
	if (index->count == index->buckets)
		grow(index);
	entry->key = key;
	link_entry(index, entry);
	index->count++;
}

void index_remove(struct index *index, struct index_entry *entry)
{
	struct index_entry **link = bucket_of(index, entry->key);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	index->count--;
}

static struct index_entry *skip_others(struct index_entry *entry, uint64_t key)
{
	while (entry && entry->key != key)
		entry = entry->next;
	return entry;
}

struct index_entry *index_first(const struct index *index, uint64_t key)
{
	return skip_others(*bucket_of(index, key), key);
}

struct index_entry *index_next(const struct index_entry *entry)
{
	return skip_others(entry->next, entry->key);
}
