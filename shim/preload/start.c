// SPDX-License-Identifier: MIT
/*
 * The constructor, the only code that runs in a process which never uses libcurl. It takes note of what the
 * process has started with, and puts right what the loader, which knows symbols by their names alone, has
 * bound wrongly because of us, or for us. Nothing here allocates, makes a call of libc's, or writes a
 * page unless there is something to put right.
 */
#include <string.h>

#include "preload/dl_hooks.h"
#include "preload/dso.h"
#include "preload/elf.h"
#include "preload/libcurl.h"

/* A weak reference asks whether libcurl is there. Where it is not, the answer is NULL, as without us. */
static void *unbind(void *arg, const char *name, const ElfW(Sym) *symbol, void *bound)
{
	return symbol->st_info >> 4 == STB_WEAK && dso_is_own(bound) && hook_by_name(0, name) ? NULL : bound;
}

static void unbind_weak_references(void)
{
	struct dso_iterator at = { NULL, false };
	struct elf elf;

	while (dso_iterate(&at)) {
		if (at.map != dso_own() && elf_open(at.map, &elf))
			elf_rebind(&elf, unbind, NULL);
	}
}

/* The file's name begins so. */
static bool is_named(const struct link_map *map, const char *start)
{
	const char *slash = strrchr(map->l_name, '/');

	return !strncmp(slash ? slash + 1 : map->l_name, start, strlen(start));
}

/* A program or library may show functions of its own under libc's names (access, link, getcwd, syscall),
 * and they come first. Memory is the exception: what replaces malloc replaces it for everybody, and
 * another preload keeps its turn, too. */
struct binding {
	struct object libc;
	struct elf elf;
	const struct link_map *first_needed; /* what stands before it was preloaded */
};

static bool is_host(const struct binding *binding, const void *function)
{
	struct dso_iterator at = { NULL, false };
	struct object object;
	bool preloaded = false;

	if (!object_find(function, &object) || is_named(object.map, "ld-") ||
	    is_named(object.map, "libpthread"))
		return false;
	while (dso_iterate(&at) && at.map != object.map)
		preloaded = at.map == dso_own() || (preloaded && at.map != binding->first_needed);
	return at.map && (!preloaded || at.map == binding->first_needed);
}

static void *bind_to_libc(void *arg, const char *name, const ElfW(Sym) *symbol, void *bound)
{
	static const char *const memory[] = { "malloc", "calloc", "realloc", "free" };
	const struct binding *libc = arg;
	struct elf_name wanted;
	void *found;

	/* Data may have been copied into the program, which is right. */
	if (!bound || object_holds(&libc->libc, bound) || (symbol->st_info & 15) == STT_OBJECT)
		return bound;
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		if (!strcmp(name, memory[i]))
			return bound;
	}
	wanted = elf_name(name, NULL);
	found = is_host(libc, bound) ? elf_find(&libc->elf, &wanted) : NULL;
	return found ? found : bound;
}

static void bind_own_references(void)
{
	struct dso_iterator at = { NULL, false };
	struct binding binding = { .first_needed = NULL };
	struct elf own, program;
	const char *needed = NULL;

	if (!dso_own() || !elf_open(dso_own(), &own) || !elf_open(dso_first(), &program))
		return;
	for (const ElfW(Dyn) *entry = dso_first()->l_ld; entry->d_tag != DT_NULL && !needed; entry++) {
		if (entry->d_tag == DT_NEEDED)
			needed = program.strings + entry->d_un.d_val;
	}
	while (dso_iterate(&at) && at.of_start && !binding.libc.map) {
		if (needed && !binding.first_needed && is_named(at.map, needed))
			binding.first_needed = at.map;
		if ((is_named(at.map, "libc.so") || is_named(at.map, "ld-musl") ||
		     is_named(at.map, "libc.musl")) &&
		    elf_open(at.map, &binding.elf))
			object_find(at.map->l_ld, &binding.libc);
	}
	if (binding.libc.map)
		elf_rebind(&own, bind_to_libc, &binding);
}

static __attribute__((constructor)) void start(void)
{
	dso_seal_start();
	bind_own_references();
	if (!library_is_of_start())
		unbind_weak_references();
}
