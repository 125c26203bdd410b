/* SPDX-License-Identifier: MIT */
/* The loaded objects of the process (the program and its shared libraries), from the dynamic
 * loader's own list. No lock of the loader's is taken: a plugin's constructor may run under it,
 * and wait for the thread that asks. */
#pragma once

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/elf.h"

#define BUILD_ID_BYTES_MAX 32

struct object {
	const struct link_map *map;
	uintptr_t start, end; /* mapped range */
	/* The linker's build id: tells a library from another build of it that was loaded at the
	 * same place later. Zero length when the object has none. */
	const unsigned char *build_id_at;
	size_t build_id_len;
	unsigned char build_id[BUILD_ID_BYTES_MAX];
};

/* The program, which is the list's first; NULL where the list cannot be found. */
const struct link_map *dso_first(void);
/* This library. NULL where the list cannot be found. */
const struct link_map *dso_own(void);
/* An iteration over the list, from a zeroed iterator: the program, this library, and so on. `of_start`
 * tells what the process has started with, and keeps for good. What came later is left out while
 * another thread unloads some of it. */
struct dso_iterator {
	const struct link_map *map;
	bool of_start;
};
bool dso_iterate(struct dso_iterator *iterator);
/* Takes what is loaded now for what the process has started with. The first call counts: the first
 * dlopen(), or the first question. Writes a page, which most processes never need. */
void dso_seal_start(void);
/* Whether the address is in this library. */
bool dso_is_own(const void *address);
/* Whether the object is another copy of this library. */
bool dso_is_copy(const struct elf *elf);
/* The object's definition of the symbol; NULL where it has none, or is another copy of this library. */
void *dso_symbol(const struct link_map *map, const char *name);
/* Whether the process has musl as its libc. */
bool dso_has_musl(void);
/* The first definition behind this library, and behind other copies of it. */
void *dso_next_symbol(const char *name);

/* The object that holds the address; false when there is none, or it is in another namespace. */
bool object_find(const void *address, struct object *ret_object);
/* The range alone, from the object's program headers; false when they are not to be found. */
bool object_of_map(const struct link_map *map, struct object *ret_object);

static inline bool object_holds(const struct object *object, const void *address)
{
	return (uintptr_t)address >= object->start && (uintptr_t)address < object->end;
}

/* Whether the object is still the one that is loaded there. An object without a build id is never
 * sure to be. */
bool object_is_same(const struct object *object);
/* Whether it is surely not. */
bool object_is_gone(const struct object *object);
