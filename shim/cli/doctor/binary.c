// SPDX-License-Identifier: MIT
/* Reading ELF with libelf. What a stripped program is made of shows in sections and texts that
 * its tools always leave. */
#include "cli/doctor/doctor.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "lib/fdio.h"
#include "lib/text.h"
#include "cli/command.h"

#define BUN_TRAILER_BYTES 24

bool names_libcurl(const char *file)
{
	struct text name = text_of(program_name(file));

	return text_starts_with(name, TEXT("libcurl.so")) ||
	       (text_starts_with(name, TEXT("libcurl-")) && strstr(name.ptr, ".so"));
}

static void read_segments(Elf *elf, struct binary *binary)
{
	const char *file;
	size_t count = 0, size = 0;
	GElf_Phdr header;

	file = elf_rawfile(elf, &size);
	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &header); i++) {
		if (header.p_type == PT_DYNAMIC)
			binary->is_dynamic = true;
		if (header.p_type != PT_INTERP || !file || header.p_offset >= size ||
		    header.p_filesz > size - header.p_offset ||
		    header.p_filesz >= sizeof(binary->interpreter))
			continue;
		memcpy(binary->interpreter, file + header.p_offset, header.p_filesz);
		binary->interpreter[header.p_filesz] = '\0';
	}
}

static void read_dynamic(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct binary *binary)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Dyn entry;

	for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *name = entry.d_tag == DT_NEEDED ?
					   elf_strptr(elf, header->sh_link, entry.d_un.d_val) :
					   NULL;

		binary->needs_libcurl |= name && names_libcurl(name);
	}
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct binary *binary)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);

		binary->opens_libraries |= name && symbol.st_shndx == SHN_UNDEF &&
					   (!strcmp(name, "dlopen") || !strcmp(name, "dlmopen"));
	}
}

static void read_sections(Elf *elf, struct binary *binary)
{
	size_t names;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((section = elf_nextscn(elf, section)) && gelf_getshdr(section, &header)) {
		const char *name = elf_strptr(elf, names, header.sh_name);

		if (header.sh_type == SHT_DYNAMIC)
			read_dynamic(elf, section, &header, binary);
		else if (header.sh_type == SHT_DYNSYM)
			read_symbols(elf, section, &header, binary);
		else if (name &&
			 (!strcmp(name, ".go.buildinfo") || !strcmp(name, ".note.go.buildid")))
			binary->is_go = true;
		else if (name && !strcmp(name, ".bun"))
			binary->is_bun = true;
	}
}

static bool contains(const char *file, size_t size, struct text text)
{
	return memmem(file, size, text.ptr, text.len) != NULL;
}

static void read_texts(Elf *elf, struct binary *binary)
{
	size_t size = 0;
	const char *file = elf_rawfile(elf, &size);

	if (!file)
		return;
	/* curl_easy_strerror has it in every version. */
	binary->has_libcurl = contains(file, size,
				       TEXT("A libcurl function was given a bad argument"));
	binary->names_libcurl = contains(file, size, TEXT("libcurl.so")) ||
				contains(file, size, TEXT("libcurl-gnutls.so"));
	/* Where a panic is reported from: as the Rust project builds, and as Debian does. */
	binary->is_rust = contains(file, size, TEXT("/rustc/")) ||
			  contains(file, size, TEXT("/rustc-"));
	/* What such a Bun appended to itself ends in this, and the length of it all. */
	binary->is_old_bun = size > BUN_TRAILER_BYTES &&
			     contains(file + size - BUN_TRAILER_BYTES, BUN_TRAILER_BYTES,
				      TEXT("\n---- Bun! ----\n"));
}

bool binary_read(const char *path, struct binary *ret_binary)
{
	int fd = fd_open(AT_FDCWD, path, O_RDONLY, 0);
	GElf_Ehdr header;
	bool is_elf = false;
	Elf *elf = NULL;

	*ret_binary = (struct binary){ .interpreter = "" };
	if (fd >= 0 && elf_version(EV_CURRENT) != EV_NONE)
		elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header)) {
		is_elf = true;
		ret_binary->is_64 = gelf_getclass(elf) == ELFCLASS64;
		ret_binary->machine = header.e_machine;
		read_segments(elf, ret_binary);
		read_sections(elf, ret_binary);
		read_texts(elf, ret_binary);
	}
	elf_end(elf);
	fd_close(fd);
	return is_elf;
}

const char *binary_machine(const struct binary *binary)
{
	switch (binary->machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "i386";
	case EM_AARCH64:
		return "aarch64";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390";
	default:
		return "another machine";
	}
}
