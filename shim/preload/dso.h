/* SPDX-License-Identifier: MIT */
/* Loaded objects (the program, shared libraries), told apart by an address inside them. */
#ifndef TAGALONG_PRELOAD_DSO_H
#define TAGALONG_PRELOAD_DSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_BYTES_MAX 32

struct object {
	const void *map; /* something of the loader's own: tells it from others, and is not read */
	const char *name; /* the loader's own, which lasts while the object does; "": the program */
	uintptr_t base; /* what is added to the addresses in its file */
	uintptr_t start, end; /* mapped range */
	/* The linker's build id: tells a library from another build of it that was loaded at the
	 * same place later. Zero length when the object has none. */
	const unsigned char *build_id_at;
	size_t build_id_len;
	unsigned char build_id[BUILD_ID_BYTES_MAX];
};

/* The object that holds the address; false when there is none. Takes no lock of ours; of the dynamic
 * loader's, none with glibc 2.35 and newer. */
bool object_find(const void *address, struct object *ret_object);

static inline bool object_holds(const struct object *object, const void *address)
{
	return (uintptr_t)address >= object->start && (uintptr_t)address < object->end;
}

/* Whether the object is still the one that is loaded there. An object without a build id is never
 * sure to be. */
bool object_is_same(const struct object *object);

#endif
