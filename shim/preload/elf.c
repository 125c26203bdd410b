// SPDX-License-Identifier: MIT
/* Reading ELF. In memory the object was accepted by the dynamic loader, so its tables are trusted;
 * a file is not: every offset is checked by the read that uses it, and every loop has an end. */
#include "preload/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fdio.h"
#include "lib/system.h"

#define HEADERS_MAX 64 /* program headers; libraries have about ten */
#define DYNAMIC_MAX 256 /* dynamic entries; libraries have about thirty */
#define NO_SUCH_VERSION 0x10000 /* an index has 15 bits */
#define NEEDED_BYTES 64 /* of a needed library's name that are looked at */

#if __WORDSIZE == 64
#define CLASS ELFCLASS64
#else
#define CLASS ELFCLASS32
#endif

/* The relocations by which an object refers to a symbol's address alone. */
#if defined(__x86_64__)
#define REFERS(type) \
	((type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define REFERS(type) \
	((type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_ABS64)
#elif defined(__i386__)
#define REFERS(type) ((type) == R_386_GLOB_DAT || (type) == R_386_JMP_SLOT || (type) == R_386_32)
#else
#define REFERS(type) false
#endif
#if __WORDSIZE == 64
#define RELOCATION_BYTES sizeof(ElfW(Rela))
#define RELOCATION_SYMBOL ELF64_R_SYM
#define RELOCATION_TYPE ELF64_R_TYPE
#else
#define RELOCATION_BYTES sizeof(ElfW(Rel))
#define RELOCATION_SYMBOL ELF32_R_SYM
#define RELOCATION_TYPE ELF32_R_TYPE
#endif
#define WORD_BITS (8 * sizeof(ElfW(Addr)))

/* What an entry points at; NULL where there is none. glibc has turned most into addresses; musl, and
 * the vDSO, leave them relative: what they mean is near. */
static inline const void *pointed_at(const struct link_map *map, uintptr_t value)
{
	ElfW(Addr) place = (ElfW(Addr))map->l_ld, moved = value + map->l_addr;
	ElfW(Addr) far = value > place ? value - place : place - value;
	ElfW(Addr) moved_far = moved > place ? moved - place : place - moved;

	return !value ? NULL : (const void *)(far <= moved_far ? value : moved);
}

bool elf_open(const struct link_map *map, struct elf *ret_elf)
{
	struct elf elf = { .map = map, .protect = mprotect, .auxiliary_value = getauxval };
	ElfW(Addr) by_tag[DT_JMPREL + 1] = { 0 };

	if (!map->l_ld)
		return false;
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		ElfW(Addr) value = entry->d_un.d_val;

		if ((ElfW(Addr))entry->d_tag <= DT_JMPREL)
			by_tag[entry->d_tag] = value;
		else if (entry->d_tag == DT_GNU_HASH)
			elf.gnu_hash = pointed_at(map, value);
		else if (entry->d_tag == DT_VERSYM)
			elf.versions = pointed_at(map, value);
		else if (entry->d_tag == DT_VERDEF)
			elf.version_names = pointed_at(map, value);
		else if (entry->d_tag == DT_RELACOUNT || entry->d_tag == DT_RELCOUNT)
			elf.relative_count = value;
	}
	elf.symbols = pointed_at(map, by_tag[DT_SYMTAB]);
	elf.strings = pointed_at(map, by_tag[DT_STRTAB]);
	elf.sysv_hash = pointed_at(map, by_tag[DT_HASH]);
	elf.relocations[0] = pointed_at(map, by_tag[DT_JMPREL]);
	elf.relocation_bytes[0] = by_tag[DT_PLTRELSZ];
	elf.relocations[1] = pointed_at(map, by_tag[DT_RELA] | by_tag[DT_REL]); /* one of both */
	elf.relocation_bytes[1] = by_tag[DT_RELASZ] | by_tag[DT_RELSZ];
	elf.has_rpath = by_tag[DT_RPATH] != 0;
	*ret_elf = elf;
	return elf.symbols && elf.strings;
}

struct elf_name elf_name(const char *name)
{
	struct elf_name wanted = { name, 5381 };

	for (; *name; name++)
		wanted.hash = wanted.hash * 33 + (unsigned char)*name;
	return wanted;
}

/* Not strcmp, which may be the host's own, and not ready yet: a sanitizer's runtime asks for it. */
static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void elf_want_version(struct elf *elf, const char *version)
{
	const char *at = version ? elf->version_names : NULL;

	elf->version = version ? NO_SUCH_VERSION : 0;
	while (at) {
		const ElfW(Verdef) *defined = (const void *)at;
		const ElfW(Verdaux) *named = (const void *)(at + defined->vd_aux);

		if (same_name(elf->strings + named->vda_name, version))
			elf->version = defined->vd_ndx;
		at = defined->vd_next ? at + defined->vd_next : NULL;
	}
}

/* Whether the loader would bind a reference to this definition: a reference with a version to a
 * definition of that version or of none, one without to the default definition. */
static bool is_wanted(const struct elf *elf, uint32_t index, const struct elf_name *wanted)
{
	const unsigned hidden = 0x8000; /* an older version, for old binaries */
	const ElfW(Sym) *symbol = &elf->symbols[index];
	unsigned type = symbol->st_info & 15, version = elf->versions ? elf->versions[index] : 1;

	if (symbol->st_shndx == SHN_UNDEF || (type > STT_FUNC && type != STT_GNU_IFUNC) ||
	    (elf->version && version > 1 ? (version & ~hidden) != elf->version : version & hidden))
		return false;
	return same_name(elf->strings + symbol->st_name, wanted->name);
}

static void *address_of(const struct elf *elf, uint32_t index)
{
	void *address = (void *)(elf->map->l_addr + elf->symbols[index].st_value);

	if ((elf->symbols[index].st_info & 15) != STT_GNU_IFUNC)
		return address;
	/* Chooses by the processor: libc's string functions. */
	return ((void *(*)(unsigned long))address)(elf->auxiliary_value(AT_HWCAP));
}

/* Four words, a Bloom filter, buckets, then one chain word a symbol, whose lowest bit marks the
 * last of its bucket. */
static void *find_by_gnu_hash(const struct elf *elf, const struct elf_name *wanted)
{
	uint32_t count = elf->gnu_hash[0], first = elf->gnu_hash[1], words = elf->gnu_hash[2];
	const ElfW(Addr) *bloom = (const void *)(elf->gnu_hash + 4);
	const uint32_t *buckets = (const uint32_t *)(bloom + words), *chain = buckets + count;
	ElfW(Addr) word = bloom[wanted->hash / WORD_BITS & (words - 1)];
	uint32_t index;

	if (!(word >> wanted->hash % WORD_BITS &
	      word >> (wanted->hash >> elf->gnu_hash[3]) % WORD_BITS & 1) ||
	    !count)
		return NULL;
	index = buckets[wanted->hash % count];
	if (index < first)
		return NULL;
	for (;; index++) {
		uint32_t hash = chain[index - first];

		if ((hash | 1) == (wanted->hash | 1) && is_wanted(elf, index, wanted))
			return address_of(elf, index);
		if (hash & 1)
			return NULL;
	}
}

void *elf_find(const struct elf *elf, const struct elf_name *wanted)
{
	uint32_t hash = 0, count;

	if (elf->gnu_hash)
		return find_by_gnu_hash(elf, wanted);
	if (!elf->sysv_hash || !elf->sysv_hash[0])
		return NULL;
	for (const char *at = wanted->name; *at; at++) {
		hash = (hash << 4) + (unsigned char)*at;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	count = elf->sysv_hash[0];
	for (uint32_t index = elf->sysv_hash[2 + hash % count]; index != STN_UNDEF;
	     index = elf->sysv_hash[2 + count + index]) {
		if (is_wanted(elf, index, wanted))
			return address_of(elf, index);
	}
	return NULL;
}

void *elf_symbol(const struct link_map *map, const char *name)
{
	struct elf_name wanted = elf_name(name);
	struct elf elf;

	return elf_open(map, &elf) ? elf_find(&elf, &wanted) : NULL;
}

/* l_addr is the ELF header's address only where the object was linked for address 0; it need not be
 * mapped at all. But the header is in the page of the first table, usually that of the hashes. */
static const ElfW(Ehdr) *find_header(const struct link_map *map)
{
	const uintptr_t page = ELF_FIRST_PAGE_BYTES;

	for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag != DT_NULL; entry++) {
		const ElfW(Ehdr) *header;

		if (entry->d_tag != DT_GNU_HASH && entry->d_tag != DT_HASH &&
		    entry->d_tag != DT_SYMTAB)
			continue;
		header = (const ElfW(Ehdr) *)((uintptr_t)pointed_at(map, entry->d_un.d_val) &
					      -page);
		if (header && !memcmp(header->e_ident, ELFMAG, SELFMAG))
			return header;
	}
	return (const ElfW(Ehdr) *)map->l_addr;
}

const ElfW(Phdr) *elf_program_headers(const struct link_map *map, size_t *ret_count)
{
	const ElfW(Ehdr) *header = find_header(map);

	/* Only a program has a fixed place, and then it is the kernel that says where they are. */
	if (!header) {
		*ret_count = getauxval(AT_PHNUM);
		return (const ElfW(Phdr) *)getauxval(AT_PHDR);
	}
	*ret_count = 0;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_phentsize != sizeof(ElfW(Phdr)) ||
	    header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) > ELF_FIRST_PAGE_BYTES)
		return NULL;
	*ret_count = header->e_phnum;
	return (const ElfW(Phdr) *)(const void *)((const char *)header + header->e_phoff);
}

/* What the loader has made read-only after relocating the object. */
static void find_relro(const struct elf *elf, uintptr_t *ret_start, uintptr_t *ret_end)
{
	uintptr_t page = elf->auxiliary_value(AT_PAGESZ);
	const struct link_map *map = elf->map;
	const ElfW(Phdr) *headers;
	size_t count;

	*ret_start = *ret_end = 0;
	headers = elf_program_headers(map, &count);
	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_GNU_RELRO) {
			*ret_start = (map->l_addr + headers[i].p_vaddr) & -page;
			*ret_end = (map->l_addr + headers[i].p_vaddr + headers[i].p_memsz) & -page;
		}
	}
}

void elf_rebind(const struct elf *elf, elf_choose_function *choose, void *arg)
{
	uintptr_t relro = 0, relro_end = 0;
	bool asked = false, opened = false;

	for (unsigned table = 0; table < 2; table++) {
		const char *at = elf->relocations[table], *end = at + elf->relocation_bytes[table];

		/* Those without a symbol stand first. */
		if (table == 1)
			at += elf->relative_count * RELOCATION_BYTES;
		for (; at < end; at += RELOCATION_BYTES) {
			/* REL is the beginning of RELA. */
			const ElfW(Rel) *relocation = (const void *)at;
			void **place = (void **)(elf->map->l_addr + relocation->r_offset), *chosen;
			const ElfW(Sym) *symbol =
				&elf->symbols[RELOCATION_SYMBOL(relocation->r_info)];

			if (!REFERS(RELOCATION_TYPE(relocation->r_info)))
				continue;
			chosen = choose(arg, elf->strings + symbol->st_name, symbol, *place);
			if (chosen == *place)
				continue;
			if (!asked)
				find_relro(elf, &relro, &relro_end);
			asked = true;
			if ((uintptr_t)place >= relro && (uintptr_t)place < relro_end && !opened) {
				if (elf->protect((void *)relro, relro_end - relro,
						 PROT_READ | PROT_WRITE))
					return;
				opened = true;
			}
			__atomic_store_n(place, chosen, __ATOMIC_RELEASE);
		}
	}
	if (opened)
		elf->protect((void *)relro, relro_end - relro, PROT_READ);
}

struct file {
	int fd;
	unsigned header_count;
	ElfW(Phdr) headers[HEADERS_MAX];
};

static bool read_at(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	return offset <= INT64_MAX && system_pread(fd, ret_bytes, count, offset) == (ssize_t)count;
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
