// SPDX-License-Identifier: MIT
/*
 * Finding dlsym when one is called dlsym oneself: read from libc's symbol table, then used to ask
 * for the next definition of each behind us, so that other preloads keep their turn.
 *
 * Before glibc 2.34 the loader's functions are in libdl.so.2, which not every process has, or has
 * from its start: so nothing of it is named in a way that it would have to be there.
 */
#include "preload/next_symbol.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/elf.h"

#pragma weak dladdr1
/* By the version that it had before, where a newer glibc has two. */
#if __GLIBC_PREREQ(2, 34) && (defined(__x86_64__) || defined(__i386__))
__asm__(".symver dladdr1, dladdr1@GLIBC_2.3.3");
#elif __GLIBC_PREREQ(2, 34) && defined(__aarch64__)
__asm__(".symver dladdr1, dladdr1@GLIBC_2.17");
#endif

/* Where the shim itself is mapped. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct wanted {
	const char *name;
	bool behind; /* whether the shim was passed */
	void *found;
};

static int look_into(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wanted *wanted = arg;
	struct link_map map = { .l_addr = info->dlpi_addr };

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			map.l_ld = (ElfW(Dyn) *)(map.l_addr + info->dlpi_phdr[i].p_vaddr);
	}
	if (wanted->behind && map.l_ld)
		wanted->found = elf_symbol(&map, wanted->name);
	wanted->behind = wanted->behind || map.l_addr == (uintptr_t)&__ehdr_start;
	return wanted->found != NULL;
}

/* The next definition behind the shim in the order of loading. In a process without libdl.so.2 this is
 * dlsym; there is no handle there that it could be asked for. */
static void *walk(void *handle, const char *name)
{
	struct wanted wanted = { .name = name };

	if (handle == RTLD_NEXT)
		dl_iterate_phdr(look_into, &wanted);
	return wanted.found;
}

/* That of whoever has dladdr1, which nobody interposes. */
static real_dlsym_function *libc_dlsym(void)
{
	struct link_map *map = NULL;
	void *found = NULL;
	Dl_info info;

	if (dladdr1 && dladdr1((const void *)dladdr1, &info, (void **)&map, RTLD_DL_LINKMAP) && map)
		found = elf_symbol(map, "dlsym");
	return (real_dlsym_function *)(found ? found : walk(RTLD_NEXT, "dlsym"));
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
	/* A libdl.so.2 that a library brought along is in the scope of that library alone. */
	if (!found)
		found = walk(RTLD_NEXT, name);
	__atomic_store_n(place, found, __ATOMIC_RELAXED);
	return found;
}

real_dlsym_function *real_dlsym(void)
{
	static void *place;

	void *found = next(&place, "dlsym");

	return found ? (real_dlsym_function *)found : walk;
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

real_dlclose_function *real_dlclose(void)
{
	static void *place;

	return (real_dlclose_function *)next(&place, "dlclose");
}
