/* SPDX-License-Identifier: MIT */
/* What the library reads of ELF: symbols and relocations of loaded objects, and whether a file
 * needs a libcurl. Nothing here calls into the dynamic loader or takes a lock. */
#pragma once

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of an object, and mapped as long as the object is. */
#define ELF_FIRST_PAGE_BYTES 4096

/* The tables of a loaded object, as its dynamic section names them; NULL where it has none. */
struct elf {
	const struct link_map *map;
	const ElfW(Sym) *symbols;
	const char *strings;
	const uint32_t *gnu_hash, *sysv_hash;
	const ElfW(Half) *versions;
	const char *version_names;
	unsigned version; /* see elf_want_version() */
	const char *relocations[2];
	size_t relocation_bytes[2], relative_count;
	bool has_rpath; /* DT_RPATH, which counts for what the object loads */
	/* For elf_rebind; libc's, by our own references. */
	int (*protect)(void *start, size_t bytes, int protection);
	unsigned long (*auxiliary_value)(unsigned long type);
};

/* The name of a symbol that is looked for. */
struct elf_name {
	const char *name;
	uint32_t hash;
};
struct elf_name elf_name(const char *name);

/* False when the object has no symbols. */
bool elf_open(const struct link_map *map, struct elf *ret_elf);
/* What elf_find() finds: definitions of this version and of none; NULL, as after elf_open(): the default
 * ones. */
void elf_want_version(struct elf *elf, const char *version);
/* The address of an exported function or variable that the object itself defines, or NULL. The
 * object has to be relocated: its own code may choose the function. */
void *elf_find(const struct elf *elf, const struct elf_name *wanted);
/* The default definition of `name`. */
void *elf_symbol(const struct link_map *map, const char *name);

/* NULL when they do not stand in the object's first page. */
const ElfW(Phdr) *elf_program_headers(const struct link_map *map, size_t *ret_count);

/* Calls choose() for each reference of the object to a symbol by name, its own included, with the
 * symbol's name and what the reference is bound to now; binds it to what choose() returns. A
 * reference that waits for lazy binding is bound to the object's own PLT. */
typedef void *elf_choose_function(void *arg, const char *name, const ElfW(Sym) *symbol,
				  void *bound);
void elf_rebind(const struct elf *elf, elf_choose_function *choose, void *arg);

static inline bool elf_is_foreign(const ElfW(Sym) *symbol)
{
	return symbol->st_shndx == SHN_UNDEF;
}

/* Whether the file is an ELF object of this machine's class whose dynamic section names a needed
 * library that starts with `prefix`. False for what cannot be read. Bounded; keeps errno. */
bool elf_needs(const char *path, const char *prefix);
