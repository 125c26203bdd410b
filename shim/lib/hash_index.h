/* SPDX-License-Identifier: MIT */
/* A hash index over structs that hold its links themselves. Several entries may have one key. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"

struct index_entry {
	struct index_entry *next;
	uint64_t key;
};

struct index {
	struct index_entry **bucket;
	size_t buckets; /* a power of two */
	size_t count;
};

/* A key for a text (FNV-1a): not for texts that an adversary may choose. */
uint64_t index_text_key(struct text text);

/* 0 or -ENOMEM. */
int index_init(struct index *index);
void index_release(struct index *index);
/* Never fails: without memory to grow, lookups get slower. */
void index_add(struct index *index, struct index_entry *entry, uint64_t key);
void index_remove(struct index *index, struct index_entry *entry);
/* The entries of a key, in no order; NULL at the end. */
struct index_entry *index_first(const struct index *index, uint64_t key);
struct index_entry *index_next(const struct index_entry *entry);
