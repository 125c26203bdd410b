// SPDX-License-Identifier: MIT
/*
 * Any file that a host program loads by its path with RTLD_DEEPBIND: does it need a libcurl? What
 * the shim says libelf has to say as well, and the other way round, where the file is one that this
 * machine's loader would look at. libelf has the bytes and their form; what is asked of them is the
 * loader's rule: PT_DYNAMIC up to DT_NULL, names in the loaded segment that has DT_STRTAB.
 */
#include "fuzz.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/elf.h"

/* As elf.c has them. */
#define HEADERS_MAX 64
#define DYNAMIC_MAX 256

#define PREFIX "libcurl"

static const struct text prefix = TEXT(PREFIX);

/* The bytes from there on. */
static struct text file_from(Elf *elf, uint64_t offset)
{
	size_t size = 0;
	const char *bytes = elf_rawfile(elf, &size);

	return offset < size ? (struct text){ bytes + offset, size - offset } : TEXT("");
}

static bool strings_start(Elf *elf, size_t header_count, uint64_t address, uint64_t *ret_offset)
{
	GElf_Phdr header;

	for (size_t i = 0; i < header_count && gelf_getphdr(elf, (int)i, &header); i++) {
		if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_filesz) {
			*ret_offset = address - header.p_vaddr + header.p_offset;
			return true;
		}
	}
	return false;
}

/* 1, 0, or -1 where the two need not agree: a table that is cut off by the end of the file. */
static int dynamic_needs(Elf *elf, size_t header_count, const GElf_Phdr *dynamic)
{
	size_t entry_bytes = gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT), count, last = 0;
	uint64_t strings = 0;
	bool is_named = false;
	Elf_Data *data;
	GElf_Dyn entry;

	count = dynamic->p_filesz / entry_bytes;
	if (count > DYNAMIC_MAX)
		count = DYNAMIC_MAX;
	if (!count)
		return 0;
	if (file_from(elf, dynamic->p_offset).len < count * entry_bytes)
		return -1;
	data = elf_getdata_rawchunk(elf, (int64_t)dynamic->p_offset, count * entry_bytes, ELF_T_DYN);
	if (!data)
		return -1;
	for (; last < count; last++) {
		CHECK(gelf_getdyn(data, (int)last, &entry));
		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag != DT_STRTAB)
			continue;
		is_named = strings_start(elf, header_count, entry.d_un.d_ptr, &strings);
		if (!is_named)
			return 0;
	}
	for (size_t i = 0; is_named && strings && i < last; i++) {
		CHECK(gelf_getdyn(data, (int)i, &entry));
		if (entry.d_tag == DT_NEEDED &&
		    text_starts_with(file_from(elf, strings + entry.d_un.d_val), prefix))
			return 1;
	}
	return 0;
}

static int second_opinion(char *bytes, size_t size)
{
	Elf *elf = elf_memory(bytes, size);
	int verdict = -1;
	size_t count = 0;
	GElf_Ehdr header;
	GElf_Phdr segment;

	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
	    gelf_getclass(elf) == (__WORDSIZE == 64 ? ELFCLASS64 : ELFCLASS32) &&
	    header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_version == EV_CURRENT &&
	    header.e_phentsize == gelf_fsize(elf, ELF_T_PHDR, 1, EV_CURRENT) &&
	    !elf_getphdrnum(elf, &count) && count == header.e_phnum && count <= HEADERS_MAX) {
		verdict = 0;
		for (size_t i = 0; i < count && !verdict; i++) {
			if (!gelf_getphdr(elf, (int)i, &segment))
				verdict = -1;
			else if (segment.p_type == PT_DYNAMIC)
				verdict = dynamic_needs(elf, count, &segment);
		}
	}
	elf_end(elf);
	return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	int verdict, next;
	char path[32], *copy;
	bool needs;

	if (file < 0) {
		elf_version(EV_CURRENT);
		file = memfd_create("object", MFD_CLOEXEC);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	CHECK(!ftruncate(file, 0) && pwrite(file, data, size, 0) == (ssize_t)size);
	next = dup(file);
	close(next);
	errno = EXDEV;
	needs = elf_needs(path, PREFIX);
	CHECK(errno == EXDEV);
	CHECK(dup(file) == next); /* no descriptor stays open */
	close(next);

	copy = fuzz_copy(data, size);
	verdict = second_opinion(copy, size);
	CHECK(verdict < 0 || needs == verdict);
	free(copy);
	return 0;
}
