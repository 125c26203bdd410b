/* SPDX-License-Identifier: MIT */
/* The little that the doors have to read of ELF: a symbol of a loaded object, and whether a file
 * needs a libcurl. */
#ifndef TAGALONG_PRELOAD_ELF_H
#define TAGALONG_PRELOAD_ELF_H

#include <link.h>
#include <stdbool.h>

/* The address of an exported function or variable of the object itself, in its default version;
 * NULL when it has none. For finding dlsym without dlsym. */
void *elf_symbol(const struct link_map *map, const char *name);

/* Whether the file is an ELF object of this machine's class whose dynamic section names a needed
 * library that starts with `prefix`. False for what cannot be read. Bounded; keeps errno. */
bool elf_needs(const char *path, const char *prefix);

#endif
