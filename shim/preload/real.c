// SPDX-License-Identifier: MIT
/*
 * Finding dlsym when one is called dlsym oneself: read from libc's symbol table, then used to ask
 * for the next definition of each behind us, so that other preloads keep their turn.
 */
#include "preload/real.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stddef.h>

#include "preload/elf.h"

static real_dlsym_function *libc_dlsym(void)
{
	struct link_map *map = NULL;
	Dl_info info;

	/* Any function of libc's that nobody interposes. */
	if (!dladdr1((const void *)gnu_get_libc_version, &info, (void **)&map, RTLD_DL_LINKMAP) ||
	    !map)
		return NULL;
	return (real_dlsym_function *)elf_symbol(map, "dlsym");
}

/* The next definition behind the shim, remembered. Two threads at once find the same. */
static void *next(void **place, const char *name)
{
	void *found = __atomic_load_n(place, __ATOMIC_RELAXED);
	real_dlsym_function *find;

	if (found)
		return found;
	find = libc_dlsym();
	found = find ? find(RTLD_NEXT, name) : NULL;
	__atomic_store_n(place, found, __ATOMIC_RELAXED);
	return found;
}

real_dlsym_function *real_dlsym(void)
{
	static void *place;

	return (real_dlsym_function *)next(&place, "dlsym");
}

real_dlvsym_function *real_dlvsym(void)
{
	static void *place;

	return (real_dlvsym_function *)next(&place, "dlvsym");
}

real_dlopen_function *real_dlopen(void)
{
	static void *place;

	return (real_dlopen_function *)next(&place, "dlopen");
}
