// SPDX-License-Identifier: MIT
/* What the hooks of the dynamic loader's functions decide. A process that never uses libcurl
 * gets no further than the first comparison of each. */
#include "preload/dl_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "core/variables.h"
#include "preload/elf.h"

typedef void *dlopen_function(const char *file, int flags);
typedef void *dlsym_function(void *handle, const char *name);
typedef void *dlvsym_function(void *handle, const char *name, const char *version);

static const struct library *sets[DL_HOOK_SETS];

const struct library *dl_hook_library(unsigned set)
{
	return __atomic_load_n(&sets[set], __ATOMIC_ACQUIRE);
}

/* Two threads at once find the same. */
static void *real(void **place, const char *name)
{
	void *found = __atomic_load_n(place, __ATOMIC_RELAXED);

	if (found)
		return found;
	found = dso_next_symbol(name);
	__atomic_store_n(place, found, __ATOMIC_RELAXED);
	return found;
}

/* A process without libdl.so.2 has nothing that it could ask for but what is behind us. */
static void *dlsym_without_libdl(void *handle, const char *name)
{
	return handle == RTLD_NEXT ? dso_next_symbol(name) : NULL;
}

void *dl_real_dlopen(void)
{
	static void *place;

	return real(&place, "dlopen");
}

void *dl_real_dlsym(void)
{
	static void *place;
	void *found = real(&place, "dlsym");

	return found ? found : (void *)dlsym_without_libdl;
}

void *dl_real_dlvsym(void)
{
	static void *place;

	return real(&place, "dlvsym");
}

/* TAGALONG_HOOKS lists the hooks that are on; unset, all are. "libcurl" is the plain one. */
static bool is_on(void)
{
	struct text rest = text_of(variable_get(VARIABLE_HOOKS)), word;

	if (variable_is_on(VARIABLE_OFF))
		return false;
	if (!rest.len)
		return true;
	while (text_next(&rest, ',', &word)) {
		if (text_eq(text_trim(word), TEXT("dl")))
			return true;
	}
	return false;
}

/* The set for a library, taken at need: a free one, or one whose library is gone. */
static bool set_for(const struct library *library, unsigned *ret_set)
{
	for (unsigned set = 0; set < DL_HOOK_SETS; set++) {
		const struct library *there = dl_hook_library(set);

		if (there != library && (!there || object_is_gone(&there->object)))
			__atomic_compare_exchange_n(&sets[set], &there, library, false,
						    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
		if (dl_hook_library(set) == library) {
			*ret_set = set;
			return true;
		}
	}
	return false;
}

struct plugin {
	const struct library *library;
	struct object object;
	unsigned set;
	bool has_set; /* else its references are bound to its libcurl itself */
};

static void *hook_of(const struct plugin *plugin, const char *name)
{
	if (!hook_by_name(0, name))
		return NULL;
	return plugin->has_set ? hook_by_name(plugin->set, name) :
				 elf_symbol(plugin->library->object.map, name);
}

/* A reference that was bound to the plugin's libcurl, or waits to be, is bound to our hook for
 * it. */
static void *bind_to_hook(void *arg, const char *name, const ElfW(Sym) *symbol, void *bound)
{
	const struct plugin *plugin = arg;
	void *hook;

	if (!text_starts_with(text_of(name), TEXT("curl_")) || !elf_is_foreign(symbol) ||
	    dso_is_own(bound) ||
	    !(library_holds(plugin->library, bound) || object_holds(&plugin->object, bound)))
		return bound;
	hook = hook_of(plugin, name);
	return hook ? hook : bound;
}

/* A reference that was bound to our entry point for all, or waits to be, is bound to the hook for
 * the plugin's libcurl. */
static void *bind_apart(void *arg, const char *name, const ElfW(Sym) *symbol, void *bound)
{
	const struct plugin *plugin = arg;
	void *hook;

	if (!dso_is_own(bound) &&
	    (!elf_is_foreign(symbol) || !object_holds(&plugin->object, bound)))
		return bound;
	hook = hook_of(plugin, name);
	return hook ? hook : bound;
}

/* Set by each dlopen(): there may be plugins that were not looked at. */
static bool has_new_plugins;

/* Whether two libcurls at least came after the start, and none was there before. A program may load
 * hundreds of plugins without one, so each object is searched once: those up to the last one that
 * was searched in vain are passed over, and all are searched anew where that one is gone. */
static bool has_plugins_libcurls(void)
{
	static const struct link_map *searched;
	static const void *searched_dynamic;
	struct dso_iterator at = { NULL, false };
	const struct link_map *last = NULL;
	unsigned count = 0;
	bool found = false;

	while (!found && dso_iterate(&at))
		found = at.map == __atomic_load_n(&searched, __ATOMIC_RELAXED) &&
			at.map->l_ld == __atomic_load_n(&searched_dynamic, __ATOMIC_RELAXED);
	if (!found)
		at = (struct dso_iterator){ NULL, false };
	for (; dso_iterate(&at); last = at.map)
		count += !at.of_start && dso_symbol(at.map, "curl_easy_init");
	if (!count && last) {
		__atomic_store_n(&searched, last, __ATOMIC_RELAXED);
		__atomic_store_n(&searched_dynamic, last->l_ld, __ATOMIC_RELAXED);
	}
	at = (struct dso_iterator){ dso_own(), true };
	while (count > 1 && at.map && dso_iterate(&at) && at.of_start) {
		if (dso_symbol(at.map, "curl_easy_init"))
			return false;
	}
	return count > 1;
}

/* Whether no other thread may be unloading a library now. musl never does; glibc tells since 2.32
 * whether there is another thread. */
static bool is_nothing_unloaded(void)
{
	static const char name[] = "__libc_single_threaded";
	static const char *cached;
	const char *alone = __atomic_load_n(&cached, __ATOMIC_RELAXED);

	if (dso_has_musl())
		return true;
	if (!alone) {
		alone = elf_symbol(dso_first(), name); /* copied there */
		alone = alone ? alone : dso_next_symbol(name);
		__atomic_store_n(&cached, alone, __ATOMIC_RELAXED);
	}
	return alone && __atomic_load_n(alone, __ATOMIC_RELAXED);
}

/* Plugins with libcurls of one version would all be bound to the same entry point, and where one of
 * them hands a function's address to the program, its call does not tell whose it was. So from the
 * second libcurl on each plugin gets entry points of its own, before the program can have asked the
 * new one for anything: that goes by dlsym(). What was handed out before is of the first. Not while
 * there are other threads: one may unload what is read and written here. */
static void separate_plugins(void)
{
	struct dso_iterator at = { NULL, false };
	int saved = errno;

	if (!__atomic_load_n(&has_new_plugins, __ATOMIC_RELAXED) ||
	    !__atomic_exchange_n(&has_new_plugins, false, __ATOMIC_RELAXED) ||
	    !is_nothing_unloaded() || !has_plugins_libcurls())
		return;
	while (dso_iterate(&at)) {
		struct plugin plugin;
		struct elf elf;

		if (at.of_start ||
		    !(library_is_needed(at.map) || elf_symbol(at.map, "curl_easy_init")) ||
		    !elf_open(at.map, &elf) || !object_find(at.map->l_ld, &plugin.object))
			continue;
		plugin.library = library_of_object(&plugin.object);
		if (!plugin.library)
			continue;
		plugin.has_set = is_on() && set_for(plugin.library, &plugin.set);
		elf_rebind(&elf, bind_apart, &plugin);
	}
	errno = saved;
}

static void hook_plugin(const struct link_map *map)
{
	struct plugin plugin;
	struct elf elf;

	if (!elf_open(map, &elf) || !object_find(map->l_ld, &plugin.object))
		return;
	plugin.library = library_in_scope(map);
	plugin.has_set = true;
	if (plugin.library && set_for(plugin.library, &plugin.set))
		elf_rebind(&elf, bind_to_hook, &plugin);
}

/* A plugin with RTLD_DEEPBIND finds libcurl before us. It is loaded as the host asked, so that
 * its other symbols are bound as ever, and then its references to libcurl are bound to our
 * hooks. That call has us as its caller, which makes a difference for names without a path,
 * $ORIGIN and DT_RPATH: such a plugin is left alone. */
void *dl_hook_dlopen(struct dl_arguments *arguments, const void *caller)
{
	int flags = arguments->flags, saved = errno;
	const char *file = arguments->file;
	dlopen_function *open;
	struct object object;
	struct elf elf;
	void *handle;

	dso_seal_start();
	__atomic_store_n(&has_new_plugins, true, __ATOMIC_RELAXED);
	if (!(flags & RTLD_DEEPBIND) || !file || !file[strcspn(file, "/")] ||
	    file[strcspn(file, "$")] || !is_on() || !elf_needs(file, "libcurl") ||
	    !object_find(caller, &object) || !elf_open(object.map, &elf) || elf.has_rpath)
		return NULL;
	open = (dlopen_function *)dl_real_dlopen();
	handle = open ? open(file, flags) : NULL;
	if (!handle)
		return NULL;
	hook_plugin(handle);
	errno = saved;
	return handle;
}

/* As dlsym or, with a version, dlvsym. The error message of a failure is the loader's, and the
 * caller asks again by the jump. */
static void *ask(const struct dl_arguments *arguments, void *handle)
{
	dlsym_function *dlsym_real = (dlsym_function *)dl_real_dlsym();
	dlvsym_function *dlvsym_real;

	if (!arguments->version)
		return dlsym_real(handle, arguments->name);
	dlvsym_real = (dlvsym_function *)dl_real_dlvsym();
	return dlvsym_real ? dlvsym_real(handle, arguments->name, arguments->version) : NULL;
}

/* Whether the program, or a preload in front of us, asks: what is next to it is ours. */
static bool is_before_us(const void *caller)
{
	const struct link_map *own = dso_own();
	struct object object;

	if (!own || !object_find(caller, &object))
		return false;
	while (own && own != object.map)
		own = own->l_prev;
	return own != NULL;
}

/* The function of the caller's own libcurl; a version has to be that library's. */
static void *find_in_scope(const struct dl_arguments *arguments, const void *caller)
{
	struct elf_name wanted = elf_name(arguments->name);
	const struct library *library;
	struct object object;
	struct elf elf;

	if (!object_find(caller, &object))
		return NULL;
	library = library_in_scope(object.map);
	if (!library || !elf_open(library->object.map, &elf) ||
	    (arguments->version && !elf.version_names))
		return NULL;
	elf_want_version(&elf, arguments->version);
	return elf_find(&elf, &wanted);
}

/* Whether an object before us has a function of that name, too. */
static bool is_defined_before_us(const char *name)
{
	const struct link_map *map = dso_own();

	while (map && (map = map->l_prev)) {
		if (elf_symbol(map, name))
			return true;
	}
	return false;
}

static bool is_our_version(const struct dl_arguments *arguments)
{
	struct elf_name wanted = elf_name(arguments->name);
	struct elf own;

	if (!elf_open(dso_own(), &own))
		return false;
	elf_want_version(&own, arguments->version);
	return elf_find(&own, &wanted);
}

/* There is none but ours: the real function is to say so. Its message has the name of the
 * caller, the symbol and the version; the version is lost where the program itself asks for one. */
static void let_it_fail(struct dl_arguments *arguments, const void *caller)
{
	bool is_next = arguments->handle == RTLD_NEXT && !arguments->version;
	struct object object;

	if (dso_has_musl() || (is_next && is_defined_before_us(arguments->name))) {
		/* musl's message names the symbol alone: any library without it will do. */
		if (object_find(dl_real_dlsym(), &object))
			arguments->handle = (void *)(uintptr_t)object.map;
	} else if (is_next) {
		/* Up to glibc 2.35 the next one is looked for as if a reference without a version
		 * were bound, which finds ours (glibc bug 14932). */
		arguments->handle = RTLD_DEFAULT;
	} else if (arguments->version && is_our_version(arguments)) {
		if (!is_before_us(caller))
			arguments->handle = RTLD_NEXT;
		else
			arguments->version = "(none)";
	}
}

/* Whether the caller's own function of that name is to be made of the one that it asks for: of a
 * libcurl that is made of another one, of a stub. What stands before us is called before us. */
static bool is_made_of(const void *caller, const char *name)
{
	struct object object;

	return object_find(caller, &object) && elf_symbol(object.map, name) &&
	       (library_is_libcurl(object.map) || !is_before_us(caller));
}

/* The hook for a function of libcurl's that was found by name, or itself where that is to be
 * left alone. */
static void *hook_for(void *found, const char *name, const void *caller)
{
	const struct library *library;
	unsigned set;

	if (!is_on() || is_made_of(caller, name))
		return found;
	library = library_at(found);
	if (!library || !set_for(library, &set))
		return found;
	return hook_by_name(set, name);
}

static void *look_up(struct dl_arguments *arguments, const void *caller)
{
	void *found = NULL;
	bool is_ours;

	/* Behind us nobody finds ours. */
	if (arguments->handle == RTLD_NEXT && !is_before_us(caller))
		return NULL;
	found = ask(arguments, arguments->handle);
	/* musl finds our own, and so does dlvsym; what is asked in our name as the next does
	 * not. */
	is_ours = dso_is_own(found) || arguments->handle == RTLD_NEXT;
	if (dso_is_own(found))
		found = ask(arguments, RTLD_NEXT);
	/* That was asked in our name: the caller's own scope is left. */
	if (!found && arguments->handle == RTLD_DEFAULT)
		found = find_in_scope(arguments, caller);
	if (found)
		return hook_for(found, arguments->name, caller);
	if (is_ours)
		let_it_fail(arguments, caller);
	return NULL;
}

/* The same, with errno as it was. */
static void *look_up_quietly(struct dl_arguments *arguments, const void *caller)
{
	int saved = errno;
	void *found = look_up(arguments, caller);

	errno = saved;
	return found;
}

/* Letter by letter, because nothing of libc's may be called on the way of other names: some hosts
 * have a strncmp of their own, which is not ready before it has asked dlsym for the real one
 * (sanitizers). The same holds for elf.c. */
static bool is_hook(const char *name)
{
	return name && name[0] == 'c' && name[1] == 'u' && name[2] == 'r' && name[3] == 'l' &&
	       name[4] == '_' && hook_by_name(0, name);
}

void *dl_hook_dlsym(struct dl_arguments *arguments, const void *caller)
{
	separate_plugins();
	arguments->version = NULL;
	return is_hook(arguments->name) ? look_up_quietly(arguments, caller) : NULL;
}

void *dl_hook_dlvsym(struct dl_arguments *arguments, const void *caller)
{
	separate_plugins();
	return is_hook(arguments->name) && arguments->version ? look_up_quietly(arguments, caller) :
								NULL;
}
