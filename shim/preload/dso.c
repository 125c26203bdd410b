// SPDX-License-Identifier: MIT
/* The loader's list. It is the one that debuggers read (struct r_debug): glibc and musl put an
 * object into it when the object is mapped and complete, and glibc says by r_state when it takes
 * objects out. What a process has started with stays; what came later may go while another
 * thread reads, so the list is read no further than that while objects are being taken out.
 *
 * Nothing tells us when libraries come and go: what was learned of one is believed only while
 * the same build of it is still found at the same place. Nothing is kept open, because a
 * reference of ours would keep the host from unloading or upgrading its library. */
#include "preload/dso.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/text.h"

/* How often a thread lets others run before it does without the objects that came after the
 * start. */
#define YIELDS_MAX 1000

/* Weak, because glibc has the one, and musl the other. */
extern struct r_debug _r_debug __attribute__((weak));
extern struct r_debug *_dl_debug_addr __attribute__((weak));

/* Where this library is mapped, by the linker. */
extern const char __ehdr_start __attribute__((visibility("hidden")));
extern const char _end __attribute__((visibility("hidden")));
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

static const struct link_map *last_of_start;

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

static const struct r_debug *loader(void)
{
	return &_r_debug ? &_r_debug : &_dl_debug_addr ? _dl_debug_addr : NULL;
}

bool dso_has_musl(void)
{
	return &_dl_debug_addr != NULL;
}

const struct link_map *dso_first(void)
{
	const struct r_debug *debug = loader();

	return debug ? debug->r_map : NULL;
}

const struct link_map *dso_own(void)
{
	const struct link_map *map = dso_first();

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	return map;
}

void dso_seal_start(void)
{
	const struct link_map *map = dso_first(), *unset = NULL;

	if (__atomic_load_n(&last_of_start, __ATOMIC_RELAXED) || !map)
		return;
	while (map->l_next)
		map = map->l_next;
	__atomic_compare_exchange_n(&last_of_start, &unset, map, false, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
}

/* Whether nothing is being taken out of the list now. */
static bool is_settled(void)
{
	const struct r_debug *debug = loader();

	for (unsigned i = 0; __atomic_load_n(&debug->r_state, __ATOMIC_ACQUIRE) == RT_DELETE; i++) {
		if (i == YIELDS_MAX)
			return false;
		syscall(SYS_sched_yield);
	}
	return true;
}

bool dso_iterate(struct dso_iterator *iterator)
{
	const struct link_map *map = iterator->map;

	if (!map) {
		dso_seal_start();
		iterator->map = dso_first();
		iterator->of_start = true;
		return iterator->map != NULL;
	}
	if (map == __atomic_load_n(&last_of_start, __ATOMIC_ACQUIRE))
		iterator->of_start = false;
	if (!iterator->of_start && !is_settled())
		return false;
	iterator->map = __atomic_load_n(&map->l_next, __ATOMIC_ACQUIRE);
	return iterator->map != NULL;
}

bool dso_is_own(const void *address)
{
	return (const char *)address >= &__ehdr_start && (const char *)address < &_end;
}

/* A libcurl has no dlvsym, and a libc has no curl_easy_init. */
bool dso_is_copy(const struct elf *elf)
{
	struct elf_name init = elf_name("curl_easy_init"), ours = elf_name("tagalong_headers"),
			dlvsym = elf_name("dlvsym");
	struct elf any = *elf;

	elf_want_version(&any, NULL);
	return (elf_find(&any, &ours) || elf_find(&any, &dlvsym)) && elf_find(&any, &init);
}

void *dso_symbol(const struct link_map *map, const char *name)
{
	struct elf_name wanted = elf_name(name);
	struct elf elf;
	void *found = elf_open(map, &elf) ? elf_find(&elf, &wanted) : NULL;

	return found && !dso_is_copy(&elf) ? found : NULL;
}

void *dso_next_symbol(const char *name)
{
	struct dso_iterator at = { dso_own(), true };
	void *found = NULL;

	while (!found && at.map && dso_iterate(&at))
		found = dso_symbol(at.map, name);
	return found;
}

/* glibc's, from 2.35 on. Looked for there alone: each start passes here, and the list may be long. */
static dl_find_object_function *dl_find_object(void)
{
	static void *cached;
	static bool asked;
	struct dso_iterator at = { NULL, false };
	void *found = NULL;

	if (!__atomic_load_n(&asked, __ATOMIC_ACQUIRE)) {
		while (!found && !dso_has_musl() && dso_iterate(&at)) {
			struct text name = text_of(at.map->l_name);

			name = text_from(name, (size_t)(text_find_last(name, '/') + 1));
			if (text_starts_with(name, TEXT("libc.so")))
				found = elf_symbol(at.map, "_dl_find_object");
		}
		__atomic_store_n(&cached, found, __ATOMIC_RELAXED);
		__atomic_store_n(&asked, true, __ATOMIC_RELEASE);
	}
	return (dl_find_object_function *)__atomic_load_n(&cached, __ATOMIC_RELAXED);
}

bool object_of_map(const struct link_map *map, struct object *ret_object)
{
	const ElfW(Phdr) *headers;
	size_t count;

	*ret_object = (struct object){ .map = map };
	headers = elf_program_headers(map, &count);
	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type != PT_LOAD)
			continue;
		if (!ret_object->end) /* they are in order */
			ret_object->start = (map->l_addr + headers[i].p_vaddr) &
					    ~(uintptr_t)(ELF_FIRST_PAGE_BYTES - 1);
		ret_object->end = map->l_addr + headers[i].p_vaddr + headers[i].p_memsz;
	}
	return ret_object->end != 0;
}

static bool is_listed(const struct link_map *wanted)
{
	struct dso_iterator at = { NULL, false };

	while (dso_iterate(&at)) {
		if (at.map == wanted)
			return true;
	}
	return false;
}

/* Only which one it is, and where it starts and ends: nothing of it is read, as it may go
 * meanwhile. */
static bool locate(const void *address, struct object *ret_object)
{
	dl_find_object_function *find = dl_find_object();
	struct dso_iterator at = { NULL, false };
	struct dl_find_result result;

	if (find) {
		if (find((void *)(uintptr_t)address, &result))
			return false;
		*ret_object = (struct object){
			.map = result.link_map,
			.start = (uintptr_t)result.map_start,
			.end = (uintptr_t)result.map_end,
		};
		return true;
	}
	while (dso_iterate(&at)) {
		if (object_of_map(at.map, ret_object) && object_holds(ret_object, address))
			return true;
	}
	return false;
}

static void find_build_id(struct object *object, const ElfW(Phdr) *note)
{
	uintptr_t at = object->map->l_addr + note->p_vaddr;
	uintptr_t end = at + note->p_memsz;

	/* It is read again when something else may be there: only where that has a page, too. */
	if (at < object->start || end > object->start + ELF_FIRST_PAGE_BYTES)
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

bool object_find(const void *address, struct object *ret_object)
{
	const ElfW(Phdr) *headers;
	size_t count;

	if (!locate(address, ret_object) || !is_listed(ret_object->map))
		return false;
	headers = elf_program_headers(ret_object->map, &count);
	for (size_t i = 0; i < count && !ret_object->build_id_len; i++) {
		if (headers[i].p_type == PT_NOTE)
			find_build_id(ret_object, &headers[i]);
	}
	return true;
}

static bool is_in_place(const struct object *object)
{
	struct object now;

	return locate((const void *)object->start, &now) && now.map == object->map &&
	       now.start == object->start && now.end == object->end;
}

static bool has_its_id(const struct object *object)
{
	return !memcmp(object->build_id_at, object->build_id, object->build_id_len);
}

bool object_is_same(const struct object *object)
{
	return object->build_id_len && is_in_place(object) && has_its_id(object);
}

bool object_is_gone(const struct object *object)
{
	return !is_in_place(object) || (object->build_id_len && !has_its_id(object));
}
