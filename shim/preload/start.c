// SPDX-License-Identifier: MIT
/* The constructor, the only code that runs in a process which never uses libcurl. It corrects
 * references that the loader bound wrongly because our library is loaded, ours and the
 * program's. It makes no system call and writes no page unless there is one to correct. */
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "preload/dl_hooks.h"
#include "preload/dso.h"
#include "preload/elf.h"
#include "preload/libcurl.h"

/* A weak reference asks whether a function is there. Where it is not, the answer is NULL, as
 * without us. */
static void *unbind(void *arg, const char *name, const ElfW(Sym) *symbol, void *bound)
{
	return symbol->st_info >> 4 == STB_WEAK && elf_is_foreign(symbol) && dso_is_own(bound) &&
			       hook_by_name(0, name) && !dso_next_symbol(name) ?
		       NULL :
		       bound;
}

static void unbind_weak_references(const struct link_map *own)
{
	struct elf elf;

	for (const struct link_map *map = own->l_next; map; map = map->l_next) {
		if (library_is_libcurl(map))
			return;
	}
	for (const struct link_map *map = dso_first(); map; map = map->l_next) {
		if (map != own && elf_open(map, &elf))
			elf_rebind(&elf, unbind, NULL);
	}
}

static const char *file_name(const struct link_map *map)
{
	const char *name = map->l_name;

	for (const char *at = name; *at; at++) {
		if (*at == '/')
			name = at + 1;
	}
	return name;
}

/* Letter by letter: until our references are bound anew, strncmp and strrchr may be the host's. */
static bool starts_with(const char *name, const char *start)
{
	while (*start && *name == *start) {
		name++;
		start++;
	}
	return !*start;
}

/* A program or library may show functions of its own under libc's names (access, link, getcwd,
 * syscall), and they come first. Memory is the exception: what replaces malloc replaces it for
 * everybody, and another preload keeps its turn, too. */
struct binding {
	struct elf own, libc_symbols;
	struct object libc;
	const struct link_map *first_needed; /* what stands before it was preloaded */
};

static bool is_host(const struct binding *binding, const void *function)
{
	const struct link_map *map = dso_first();
	struct object object;
	bool preloaded = false;

	while (map && !(object_of_map(map, &object) && object_holds(&object, function))) {
		preloaded = map->l_ld == binding->own.map->l_ld || preloaded;
		map = map->l_next;
		preloaded = preloaded && map != binding->first_needed;
	}
	return map && !preloaded && !starts_with(file_name(map), "ld-") &&
	       !starts_with(file_name(map), "libpthread");
}

/* Until then our own references are not to be trusted. */
static void use_libc_itself(struct binding *binding)
{
	struct elf_name protect = elf_name("mprotect"), value = elf_name("getauxval");
	void *found_protect = elf_find(&binding->libc_symbols, &protect);
	void *found_value = elf_find(&binding->libc_symbols, &value);

	if (found_protect && found_value) {
		binding->own.protect = (int (*)(void *, size_t, int))found_protect;
		binding->own.auxiliary_value = (unsigned long (*)(unsigned long))found_value;
		binding->libc_symbols.auxiliary_value = binding->own.auxiliary_value;
	}
}

static void *bind_to_libc(void *arg, const char *name, const ElfW(Sym) *symbol, void *bound)
{
	static const char *const memory[] = { "malloc", "calloc", "realloc", "free" };
	struct binding *libc = arg;
	struct elf_name wanted;
	void *found;

	/* Data may have been copied into the program, which is right. */
	if (!bound || !elf_is_foreign(symbol) || object_holds(&libc->libc, bound) ||
	    (symbol->st_info & 15) == STT_OBJECT)
		return bound;
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		if (starts_with(name, memory[i]) && starts_with(memory[i], name))
			return bound;
	}
	use_libc_itself(libc);
	wanted = elf_name(name);
	found = elf_find(&libc->libc_symbols, &wanted);
	return found && is_host(libc, bound) ? found : bound;
}

static void bind_own_references(const struct link_map *own)
{
	struct binding binding = { .first_needed = NULL };
	const char *needed = NULL;
	struct elf program;

	if (!elf_open(own, &binding.own) || !elf_open(dso_first(), &program))
		return;
	for (const ElfW(Dyn) *entry = program.map->l_ld; entry->d_tag != DT_NULL && !needed;
	     entry++) {
		if (entry->d_tag == DT_NEEDED)
			needed = program.strings + entry->d_un.d_val;
	}
	for (const struct link_map *map = program.map; map; map = map->l_next) {
		const char *name = file_name(map);

		if (needed && !binding.first_needed && starts_with(name, needed))
			binding.first_needed = map;
		if ((starts_with(name, "libc.so") || starts_with(name, "ld-musl") ||
		     starts_with(name, "libc.musl")) &&
		    object_of_map(map, &binding.libc) && elf_open(map, &binding.libc_symbols)) {
			elf_rebind(&binding.own, bind_to_libc, &binding);
			return;
		}
	}
}

#if defined(__aarch64__)
/* The stack protector's secret. glibc has it in ld.so, which no other system has by that name. */
uintptr_t __stack_chk_guard __attribute__((visibility("hidden"))) = (uintptr_t)0x8f3ac51be70d2600;

static void choose_guard(void)
{
	const uintptr_t *random = (const uintptr_t *)getauxval(AT_RANDOM);

	if (random)
		__stack_chk_guard = random[1] & ~(uintptr_t)0xff;
}
#endif

static __attribute__((constructor, no_stack_protector)) void start(void)
{
	const struct link_map *own = dso_own();

#if defined(__aarch64__)
	choose_guard();
#endif
#if !defined(__x86_64__) && !defined(__aarch64__)
	dso_seal_start(); /* where there is no hook of dlopen() that does it */
#endif
	if (!own)
		return;
	bind_own_references(own);
	unbind_weak_references(own);
}
