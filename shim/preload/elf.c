// SPDX-License-Identifier: MIT
/*
 * Reading ELF. In memory the object was accepted by the dynamic loader, so its tables are trusted;
 * a file is not: every offset is checked by the read that uses it, and every loop has an end.
 */
#include "preload/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/fdio.h"

#define HEADERS_MAX 64 /* program headers; libraries have about ten */
#define DYNAMIC_MAX 256 /* dynamic entries; libraries have about thirty */
#define NEEDED_BYTES 64 /* of a needed library's name that are looked at */

#if __WORDSIZE == 64
#define CLASS ELFCLASS64
#else
#define CLASS ELFCLASS32
#endif

struct tables {
	const ElfW(Sym) *symbols;
	const char *strings;
	const uint32_t *hash; /* DT_GNU_HASH */
	const ElfW(Half) *versions; /* NULL: none */
};

/* The loader has turned these entries into addresses, but for objects that it did not load. */
static uintptr_t address_of(const struct link_map *map, uintptr_t value)
{
	return value < map->l_addr ? value + map->l_addr : value;
}

static bool find_tables(const struct link_map *map, struct tables *ret_tables)
{
	struct tables tables = { .symbols = NULL };

	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		uintptr_t address = address_of(map, entry->d_un.d_ptr);

		if (entry->d_tag == DT_SYMTAB)
			tables.symbols = (const ElfW(Sym) *)address;
		else if (entry->d_tag == DT_STRTAB)
			tables.strings = (const char *)address;
		else if (entry->d_tag == DT_GNU_HASH)
			tables.hash = (const uint32_t *)address;
		else if (entry->d_tag == DT_VERSYM)
			tables.versions = (const ElfW(Half) *)address;
	}
	*ret_tables = tables;
	return tables.symbols && tables.strings && tables.hash;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static bool is_default_definition(const struct tables *tables, uint32_t index)
{
	const uint16_t hidden = 0x8000; /* an older version, kept for old binaries */

	return tables->symbols[index].st_shndx != SHN_UNDEF &&
	       !(tables->versions && (tables->versions[index] & hidden));
}

/* Not strcmp, which may be the host's own, and not ready yet (doors.c). */
static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* The GNU hash table: four words, a Bloom filter, buckets, then one chain word a symbol, whose
 * lowest bit marks the last of its bucket. */
void *elf_symbol(const struct link_map *map, const char *name)
{
	uint32_t wanted = gnu_hash(name), count, first, bloom_words, index;
	const uint32_t *buckets, *chain;
	struct tables tables;

	if (!find_tables(map, &tables))
		return NULL;
	count = tables.hash[0];
	first = tables.hash[1];
	bloom_words = tables.hash[2];
	buckets = tables.hash + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	chain = buckets + count;
	index = count ? buckets[wanted % count] : 0;
	if (index < first)
		return NULL;
	for (;; index++) {
		const ElfW(Sym) *symbol = &tables.symbols[index];
		uint32_t hash = chain[index - first];

		if ((hash | 1) == (wanted | 1) && is_default_definition(&tables, index) &&
		    same_name(tables.strings + symbol->st_name, name))
			return (void *)(map->l_addr + symbol->st_value);
		if (hash & 1)
			return NULL;
	}
}

struct file {
	int fd;
	unsigned header_count;
	ElfW(Phdr) headers[HEADERS_MAX];
};

_Static_assert(sizeof(off_t) == sizeof(uint64_t), "on 32 bits, by _FILE_OFFSET_BITS (Makefile)");

static bool read_at(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, ret_bytes, count, (off_t)offset) == (ssize_t)count;
}

static bool read_headers(struct file *file)
{
	ElfW(Ehdr) header;

	if (!read_at(file->fd, &header, sizeof(header), 0) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != CLASS ||
	    header.e_phentsize != sizeof(file->headers[0]) || header.e_phnum > HEADERS_MAX)
		return false;
	file->header_count = header.e_phnum;
	return read_at(file->fd, file->headers, header.e_phnum * sizeof(file->headers[0]),
		       header.e_phoff);
}

/* Where in the file the byte stands that is at this address in memory. */
static bool file_offset(const struct file *file, uint64_t address, uint64_t *ret_offset)
{
	for (unsigned i = 0; i < file->header_count; i++) {
		const ElfW(Phdr) *header = &file->headers[i];

		if (header->p_type != PT_LOAD || address < header->p_vaddr ||
		    address - header->p_vaddr >= header->p_filesz)
			continue;
		*ret_offset = address - header->p_vaddr + header->p_offset;
		return true;
	}
	return false;
}

static bool name_starts_with(const struct file *file, uint64_t offset, const char *prefix)
{
	char name[NEEDED_BYTES];
	size_t len = strlen(prefix);

	return len <= sizeof(name) && read_at(file->fd, name, len, offset) &&
	       !memcmp(name, prefix, len);
}

static bool dynamic_needs(const struct file *file, const ElfW(Phdr) *dynamic, const char *prefix)
{
	uint64_t strings = 0, offset = dynamic->p_offset, count;
	ElfW(Dyn) entry;

	count = dynamic->p_filesz / sizeof(entry);
	if (count > DYNAMIC_MAX)
		count = DYNAMIC_MAX;
	/* The names may be described after their first use. */
	for (uint64_t i = 0; i < count; i++) {
		if (!read_at(file->fd, &entry, sizeof(entry), offset + i * sizeof(entry)))
			return false;
		if (entry.d_tag == DT_NULL) {
			count = i;
			break;
		}
		if (entry.d_tag == DT_STRTAB && !file_offset(file, entry.d_un.d_ptr, &strings))
			return false;
	}
	for (uint64_t i = 0; strings && i < count; i++) {
		if (!read_at(file->fd, &entry, sizeof(entry), offset + i * sizeof(entry)))
			return false;
		if (entry.d_tag == DT_NEEDED &&
		    name_starts_with(file, strings + entry.d_un.d_val, prefix))
			return true;
	}
	return false;
}

bool elf_needs(const char *path, const char *prefix)
{
	int saved = errno;
	struct file file = { .fd = fd_open(AT_FDCWD, path, O_RDONLY, 0) };
	bool needs = false;

	if (file.fd >= 0 && read_headers(&file)) {
		for (unsigned i = 0; i < file.header_count && !needs; i++)
			needs = file.headers[i].p_type == PT_DYNAMIC &&
				dynamic_needs(&file, &file.headers[i], prefix);
	}
	fd_close(file.fd);
	errno = saved;
	return needs;
}
