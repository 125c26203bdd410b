// SPDX-License-Identifier: MIT
/*
 * Which loaded object an address belongs to. Libraries come and go while a host runs, and nothing
 * tells us: so what was learned of one is believed only while the same build of it is still found
 * at the same place. Nothing is kept open, because a reference of ours would keep the host from
 * unloading or upgrading its library.
 */
#include "preload/dso.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "preload/next_symbol.h"

/* Of an object, which is mapped as long as the object is. */
#define FIRST_PAGE_BYTES 4096

/* Declared here: <dlfcn.h> has it since glibc 2.35 only. */
struct dl_find_result {
	unsigned long long flags;
	void *map_start;
	void *map_end;
	struct link_map *link_map;
	void *eh_frame;
	unsigned long long reserved[7];
};
typedef int dl_find_object_function(void *address, struct dl_find_result *ret_result);

/* Looked up by name, because glibc has it since 2.35 only. */
static dl_find_object_function *dl_find_object(void)
{
	static void *cached;
	static bool asked;

	if (!__atomic_load_n(&asked, __ATOMIC_ACQUIRE)) {
		void *found = real_dlsym()(RTLD_DEFAULT, "_dl_find_object");

		__atomic_store_n(&cached, found, __ATOMIC_RELAXED);
		__atomic_store_n(&asked, true, __ATOMIC_RELEASE);
	}
	return (dl_find_object_function *)__atomic_load_n(&cached, __ATOMIC_RELAXED);
}

static const ElfW(Phdr) *program_headers(uintptr_t start, size_t *ret_count)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)start;

	*ret_count = 0;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_phentsize != sizeof(ElfW(Phdr)) ||
	    header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) > FIRST_PAGE_BYTES)
		return NULL;
	*ret_count = header->e_phnum;
	return (const ElfW(Phdr) *)(start + header->e_phoff);
}

static void find_build_id(struct object *object, const ElfW(Phdr) *note)
{
	uintptr_t at = object->base + note->p_vaddr;
	uintptr_t end = at + note->p_memsz;

	/* It is read again when something else may be there: only where that has a page, too. */
	if (at < object->start || end > object->start + FIRST_PAGE_BYTES)
		return;
	while (at + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)at;
		uintptr_t name = at + sizeof(*header);
		uintptr_t text = name + ((header->n_namesz + 3u) & ~3u);

		if (text + header->n_descsz > end)
			return;
		if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 &&
		    header->n_descsz <= BUILD_ID_BYTES_MAX &&
		    !memcmp((const void *)name, "GNU", 4)) {
			object->build_id_at = (const unsigned char *)text;
			object->build_id_len = header->n_descsz;
			memcpy(object->build_id, object->build_id_at, header->n_descsz);
			return;
		}
		at = text + ((header->n_descsz + 3u) & ~3u);
	}
}

/* Range and build id from the program headers, which the first mapped page holds. */
static void read_headers(struct object *object)
{
	const ElfW(Phdr) *headers;
	size_t count;

	headers = program_headers(object->start, &count);
	for (size_t i = 0; i < count; i++) {
		uintptr_t end = object->base + headers[i].p_vaddr + headers[i].p_memsz;

		if (headers[i].p_type == PT_LOAD && end > object->end)
			object->end = end;
	}
	for (size_t i = 0; i < count && !object->build_id_len; i++) {
		if (headers[i].p_type == PT_NOTE)
			find_build_id(object, &headers[i]);
	}
}

struct wanted {
	uintptr_t address;
	struct object *object;
};

/* Of a walk over all objects: its result, and it ends with the one that has the address. */
static int fill_if_wanted(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wanted *wanted = arg;
	struct object found = {
		.map = info->dlpi_name,
		.name = info->dlpi_name,
		.base = info->dlpi_addr,
	};

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t start = found.base + info->dlpi_phdr[i].p_vaddr;
		uintptr_t end = start + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		if (!found.end) /* they are in order */
			found.start = start & ~(uintptr_t)(FIRST_PAGE_BYTES - 1);
		found.end = end;
	}
	if (!object_holds(&found, (const void *)wanted->address))
		return 0;
	*wanted->object = found;
	return 1;
}

/* Only which one it is, and where it starts and ends: nothing of it is read, as it may go meanwhile. */
static bool locate(const void *address, struct object *ret_object)
{
	dl_find_object_function *find = dl_find_object();
	struct wanted wanted = { (uintptr_t)address, ret_object };
	struct dl_find_result result;

	memset(ret_object, 0, sizeof(*ret_object));
	if (!find)
		return dl_iterate_phdr(fill_if_wanted, &wanted) != 0;
	if (find((void *)(uintptr_t)address, &result))
		return false;
	ret_object->map = result.link_map;
	ret_object->start = (uintptr_t)result.map_start;
	ret_object->end = (uintptr_t)result.map_end;
	return true;
}

bool object_find(const void *address, struct object *ret_object)
{
	const struct link_map *map;

	if (!locate(address, ret_object))
		return false;
	if (!ret_object->name) {
		map = ret_object->map;
		ret_object->name = map->l_name;
		ret_object->base = map->l_addr;
	}
	read_headers(ret_object);
	return true;
}

bool object_is_same(const struct object *object)
{
	struct object now;

	if (!object->build_id_len || !locate((const void *)object->start, &now))
		return false;
	return now.map == object->map && now.start == object->start &&
	       now.end == object->end &&
	       !memcmp(object->build_id_at, object->build_id, object->build_id_len);
}
