// SPDX-License-Identifier: MIT
/* Which libcurl a call means. The answer is the loader's: what the process has started with
 * comes first, in the order of the list, for every reference; then what the calling object has
 * been bound to, then what it needs. Each libcurl's references have entry points of their own by
 * their version, so a wrong return address (a tail call, a pointer that was handed on) misleads
 * only where two libcurls of the same version were both loaded by plugins. Asked once for a
 * handle, when it is made; its later calls use the library in its state. */
#include "preload/libcurl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "preload/elf.h"

/* Objects that are looked at for what one of them needs; the largest programs have some 300, but a
 * plugin's own share is small. */
#define SCOPE_MAX 96

struct function_row {
	char name[26];
	unsigned short offset; /* in struct library */
};

static const struct function_row functions[] = {
#define HOOK(name, result, arguments) { #name, offsetof(struct library, name) },
#define NEED(name, result, arguments) { #name, offsetof(struct library, name) },
#define DL_HOOK(name)
#define VERSION(name)
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
#undef VERSION
};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

/* All that were ever found, newest first. Only grows: a handle's state may name any of them. */
struct found_library {
	struct found_library *next;
	struct library library;
};
static struct found_library *all_found;
/* The first ones take no memory: without its libcurl a host could not even send its requests as
 * they are. Debian has three flavours. */
#define FIRST_FOUND 4
static struct found_library first_ones[FIRST_FOUND];
static unsigned first_used;

/* What the references of each version are bound to when that was there at the start: for good. */
static const struct library *of_start[LIBCURL_VERSIONS];

/* What was found out about calling objects that came later. Who finds it in use does without: no
 * thread waits, and a forked child in which it stays in use is only slower. */
#define CALLERS_MAX 16
static struct {
	bool in_use;
	unsigned next;
	struct {
		enum libcurl_version version;
		struct object object;
		const struct library *library;
	} caller[CALLERS_MAX];
} callers;

static const char *version_text(enum libcurl_version version)
{
	switch (version) {
#define HOOK(name, result, arguments)
#define NEED(name, result, arguments)
#define DL_HOOK(name)
#define VERSION(name) \
	case LIBCURL_##name: \
		return #name;
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
#undef VERSION
	case LIBCURL_UNVERSIONED:
	case LIBCURL_VERSIONS:
		break;
	}
	return NULL;
}

/* musl binds by the name alone. */
static void want_version(struct elf *elf, enum libcurl_version version)
{
	elf_want_version(elf, dso_has_musl() ? NULL : version_text(version));
}

/* Also of an object that is no whole libcurl: a stand-in for tests, a stub that loads one. */
static void *find_init(const struct link_map *map, enum libcurl_version version,
		       struct elf *ret_elf)
{
	struct elf_name init = elf_name("curl_easy_init");
	void *found;

	if (!elf_open(map, ret_elf))
		return NULL;
	want_version(ret_elf, version);
	found = elf_find(ret_elf, &init);
	return found && !dso_is_copy(ret_elf) ? found : NULL;
}

struct references {
	const struct object *object;
	void *libcurl; /* what one to libcurl's functions is bound to */
	bool dlsym;
};

static void *note_reference(void *arg, const char *name, const ElfW(Sym) *symbol, void *now)
{
	struct references *found = arg;

	found->dlsym |= elf_is_foreign(symbol) &&
			(!strcmp(name, "dlsym") || !strcmp(name, "dlvsym"));
	if (!found->libcurl && now && !memcmp(name, "curl_", 5) && !dso_is_own(now) &&
	    !object_holds(found->object, now))
		found->libcurl = now;
	return now;
}

static struct references references_of(const struct object *object)
{
	struct references found = { .object = object };
	struct elf elf;

	if (elf_open(object->map, &elf))
		elf_rebind(&elf, note_reference, &found);
	return found;
}

/* Has some of libcurl's functions, and asks for the real ones: a preload that watches calls. */
static bool is_wrapper(const struct elf *elf)
{
	struct elf_name getinfo = elf_name("curl_easy_getinfo");
	struct object object;

	return !elf_find(elf, &getinfo) && object_of_map(elf->map, &object) &&
	       references_of(&object).dlsym;
}

static void set_function(struct library *library, size_t index, void *function)
{
	memcpy((char *)library + functions[index].offset, &function, sizeof(function));
}

static void *get_function(const struct library *library, size_t index)
{
	void *function;

	memcpy(&function, (const char *)library + functions[index].offset, sizeof(function));
	return function;
}

static void name_functions(struct elf_name *ret_names)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		ret_names[i] = elf_name(functions[i].name);
}

static void fill(struct library *library, const struct link_map *map, enum libcurl_version version,
		 const struct elf_name *names)
{
	bool is_checked = map == library->object.map;
	struct elf elf;
	void *found;

	if (!elf_open(map, &elf))
		return;
	want_version(&elf, version);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		found = get_function(library, i) ? NULL : elf_find(&elf, &names[i]);
		if (!found)
			continue;
		if (!is_checked && dso_is_copy(&elf))
			return;
		is_checked = true;
		set_function(library, i, found);
	}
}

/* The functions of the object itself, or those that the loader binds to: of what has started
 * behind us, the first that has each, so that another preload, which may have only some of them,
 * keeps its turn. A library that lacks some is only called, never asked: its handles mean nothing
 * to the one that has the others. */
static void find_functions(struct library *library, const struct link_map *map,
			   enum libcurl_version version)
{
	struct dso_iterator at = { library->by_name ? map : dso_own(), true };
	struct elf_name names[FUNCTIONS];

	name_functions(names);
	while (at.map != map && dso_iterate(&at) && at.of_start && at.map != map)
		fill(library, at.map, version, names);
	fill(library, map, version, names);
	library->complete = object_holds(&library->object, (void *)library->curl_easy_getinfo) ||
			    library_is_libcurl(map);
	for (size_t i = 0; i < FUNCTIONS; i++)
		library->complete = library->complete && get_function(library, i);
	while (!library->complete && !library->by_name && at.map && at.of_start &&
	       dso_iterate(&at) && at.of_start)
		fill(library, at.map, version, names);
}

static bool is_equal(const struct library *a, const struct library *b)
{
	/* All functions stand in one row of pointers. */
	const size_t first = functions[0].offset;

	return a->object.map == b->object.map && a->object.start == b->object.start &&
	       a->object.end == b->object.end && a->by_name == b->by_name &&
	       !memcmp((const char *)a + first, (const char *)b + first,
		       FUNCTIONS * sizeof(void *));
}

static struct found_library *new_found(void)
{
	unsigned used = __atomic_load_n(&first_used, __ATOMIC_RELAXED);

	while (used < FIRST_FOUND) {
		if (__atomic_compare_exchange_n(&first_used, &used, used + 1, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return &first_ones[used];
	}
	return malloc(sizeof(struct found_library));
}

/* The one that is equal, made at need. No lock: two threads that are here at once may make two,
 * which is as good as one. */
static const struct library *library_keep(const struct library *library)
{
	struct found_library *made;

	for (made = __atomic_load_n(&all_found, __ATOMIC_ACQUIRE); made; made = made->next) {
		if (is_equal(&made->library, library))
			return &made->library;
	}
	made = new_found();
	if (!made)
		return NULL;
	made->library = *library;
	made->next = __atomic_load_n(&all_found, __ATOMIC_ACQUIRE);
	while (!__atomic_compare_exchange_n(&all_found, &made->next, made, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE))
		;
	return &made->library;
}

/* The struct for the libcurl that has this curl_easy_init. */
static const struct library *library_make(void *init, enum libcurl_version version, bool by_name)
{
	struct library found = { .by_name = by_name };

	if (!object_find(init, &found.object) || found.object.map == dso_first())
		return NULL;
	find_functions(&found, found.object.map, version);
	found.url_api = (struct url_api){
		.url = found.curl_url,
		.set = found.curl_url_set,
		.get = found.curl_url_get,
		.cleanup = found.curl_url_cleanup,
		.free = found.curl_free,
	};
	/* What was learned of another one in the same place holds no more. */
	url_cache_invalidate();
	return library_keep(&found);
}

/* What a real libcurl behind one that lacks functions calls of its own: the loader finds those
 * in itself. */
static const struct library *library_of_inner_call(const struct library *partial,
						   enum libcurl_version version, const void *caller)
{
	struct library found = *partial;
	struct elf_name names[FUNCTIONS];

	if (!object_find(caller, &found.object) || !library_is_libcurl(found.object.map))
		return partial;
	name_functions(names);
	fill(&found, found.object.map, version, names);
	return library_keep(&found);
}

const struct library *library_at(const void *function)
{
	for (struct found_library *found = __atomic_load_n(&all_found, __ATOMIC_ACQUIRE); found;
	     found = found->next) {
		if (found->library.by_name && library_holds(&found->library, function) &&
		    object_is_same(&found->library.object))
			return &found->library;
	}
	return library_make((void *)(uintptr_t)function, LIBCURL_UNVERSIONED, true);
}

/* The loaded object that a DT_NEEDED entry means. */
static const struct link_map *loaded_by_name(const char *name)
{
	struct dso_iterator at = { NULL, false };

	while (dso_iterate(&at)) {
		struct text path = text_of(at.map->l_name);
		const char *soname = NULL;
		struct elf elf;

		if (!strcmp(path.ptr, name) ||
		    !strcmp(path.ptr + (text_find_last(path, '/') + 1), name))
			return at.map;
		if (!elf_open(at.map, &elf))
			continue;
		for (const ElfW(Dyn) *entry = at.map->l_ld; entry->d_tag != DT_NULL; entry++) {
			if (entry->d_tag == DT_SONAME)
				soname = elf.strings + entry->d_un.d_val;
		}
		if (soname && !strcmp(soname, name))
			return at.map;
	}
	return NULL;
}

/* The first libcurl that the object needs, breadth first as the loader looks for symbols. */
static void *init_in_scope(const struct link_map *map, enum libcurl_version version, bool itself)
{
	const struct link_map *scope[SCOPE_MAX] = { map }, *needed;
	size_t count = 1;
	struct elf elf;

	for (size_t i = 0; i < count; i++) {
		void *init = i || itself ? find_init(scope[i], version, &elf) : NULL;

		if (init)
			return init;
		if (!elf_open(scope[i], &elf))
			continue;
		for (const ElfW(Dyn) *entry = scope[i]->l_ld; entry->d_tag != DT_NULL; entry++) {
			size_t there = 0;

			if (entry->d_tag != DT_NEEDED || count == SCOPE_MAX)
				continue;
			needed = loaded_by_name(elf.strings + entry->d_un.d_val);
			while (there < count && scope[there] != needed)
				there++;
			if (needed && there == count)
				scope[count++] = needed;
		}
	}
	return NULL;
}

const struct library *library_in_scope(const struct link_map *map)
{
	void *init = init_in_scope(map, LIBCURL_UNVERSIONED, false);

	return init ? library_make(init, LIBCURL_UNVERSIONED, true) : NULL;
}

/* What the calling object's references are bound to, when the process has not started with it. */
static void *init_for_object(const struct object *object, enum libcurl_version version)
{
	void *bound = references_of(object).libcurl, *init = NULL;
	struct object there;
	struct elf elf;

	if (bound && object_find(bound, &there))
		init = find_init(there.map, version, &elf);
	return init ? init : init_in_scope(object->map, version, true);
}

const struct library *library_of_object(const struct object *object)
{
	void *init = init_for_object(object, LIBCURL_UNVERSIONED);

	return init ? library_make(init, LIBCURL_UNVERSIONED, true) : NULL;
}

bool library_is_needed(const struct link_map *map)
{
	struct elf elf;

	if (!elf_open(map, &elf))
		return false;
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_NEEDED &&
		    text_starts_with(text_of(elf.strings + entry->d_un.d_val), TEXT("libcurl")))
			return true;
	}
	return false;
}

static bool callers_take(void)
{
	return !__atomic_exchange_n(&callers.in_use, true, __ATOMIC_ACQUIRE);
}

static void callers_give_back(void)
{
	__atomic_store_n(&callers.in_use, false, __ATOMIC_RELEASE);
}

static const struct library *cached_for(enum libcurl_version version, const void *caller)
{
	const struct library *library = NULL;
	struct object object;

	if (!callers_take())
		return NULL;
	for (size_t i = 0; i < CALLERS_MAX && !library; i++) {
		if (callers.caller[i].version == version &&
		    object_holds(&callers.caller[i].object, caller)) {
			library = callers.caller[i].library;
			object = callers.caller[i].object;
		}
	}
	callers_give_back();
	return library && object_is_same(&object) && object_is_same(&library->object) ? library :
											NULL;
}

static void cache_for(enum libcurl_version version, const struct object *object,
		      const struct library *library)
{
	size_t i = 0;

	if (!callers_take())
		return;
	/* What was there at this address before is gone. */
	while (i < CALLERS_MAX && (callers.caller[i].object.start != object->start ||
				   callers.caller[i].version != version))
		i++;
	if (i == CALLERS_MAX)
		i = callers.next++ % CALLERS_MAX;
	callers.caller[i].version = version;
	callers.caller[i].object = *object;
	callers.caller[i].library = library;
	callers_give_back();
}

/* Of a process that has not started with a libcurl for this version. */
static const struct library *library_of_plugin(enum libcurl_version version, const void *caller,
					       void *first)
{
	const struct library *library = cached_for(version, caller);
	struct object object;
	void *init;

	if (library)
		return library;
	if (!object_find(caller, &object))
		return library_make(first, version, false);
	init = init_for_object(&object, version);
	library = library_make(init ? init : first, version, false);
	/* Of a caller without one, the first is as good a guess as any, and it is made anew each
	 * time. */
	if (library && init && !library_holds(library, caller))
		cache_for(version, &object, library);
	return library;
}

static const struct library *search(enum libcurl_version version, const void *caller)
{
	struct dso_iterator at = { dso_own(), true };
	const struct library *library;
	void *init = NULL, *wrapper = NULL;
	struct elf elf;

	while (!init && at.map && dso_iterate(&at)) {
		if (wrapper && !at.of_start)
			break;
		init = find_init(at.map, version, &elf);
		if (!init || !at.of_start || !is_wrapper(&elf))
			continue;
		/* The libcurl behind it is meant, if there is one. */
		wrapper = wrapper ? wrapper : init;
		init = NULL;
	}
	if (init && !at.of_start)
		return library_of_plugin(version, caller, init);
	init = init ? init : wrapper;
	library = init ? library_make(init, version, false) : NULL;
	if (library)
		__atomic_store_n(&of_start[version], library, __ATOMIC_RELEASE);
	return library;
}

const struct library *library_of_call(enum libcurl_version version, const void *caller,
				      bool *ret_inside)
{
	const struct library *library = __atomic_load_n(&of_start[version], __ATOMIC_ACQUIRE);
	int saved = errno;

	if (!library)
		library = search(version, caller);
	if (library && !library->complete)
		library = library_of_inner_call(library, version, caller);
	*ret_inside = library && library_holds(library, caller);
	errno = saved;
	return library;
}

bool library_is_libcurl(const struct link_map *map)
{
	struct elf_name init = elf_name("curl_easy_init"), getinfo = elf_name("curl_easy_getinfo");
	struct elf elf;

	return elf_open(map, &elf) && elf_find(&elf, &init) && elf_find(&elf, &getinfo);
}
