// SPDX-License-Identifier: MIT
/* What the doors decide. A process that never uses libcurl gets no further than the first
 * comparison of each. */
#include "preload/dl_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "core/variables.h"
#include "preload/elf.h"
#include "preload/next_symbol.h"

static const struct library *sets[DL_HOOK_SETS];

const struct library *dl_hook_library(unsigned set)
{
	return __atomic_load_n(&sets[set], __ATOMIC_ACQUIRE);
}

/* TAGALONG_HOOKS lists the doors that are open; unset, all are. "libcurl" is the plain one. */
static bool is_open(void)
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

int dl_hook_dlopen(const char *file, int flags)
{
	/* Only what is loaded by its path can be looked at before. */
	if (!(flags & RTLD_DEEPBIND) || !file || !strchr(file, '/') || !is_open() ||
	    !elf_needs(file, "libcurl"))
		return flags;
	return flags & ~RTLD_DEEPBIND;
}

/* The set for a library, taken at need: a free one, or one whose library is gone. */
static bool set_for(const struct library *library, unsigned *ret_set)
{
	for (unsigned set = 0; set < DL_HOOK_SETS; set++) {
		const struct library *there = dl_hook_library(set);

		if (there != library && (!there || !object_is_same(&there->object)))
			__atomic_compare_exchange_n(&sets[set], &there, library, false,
						    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
		if (dl_hook_library(set) == library) {
			*ret_set = set;
			return true;
		}
	}
	return false;
}

/* What stands behind a libcurl function that was found by name: our hook for that library. */
static void *hook_for(void *real, const char *name)
{
	const struct library *library = library_at(real);
	unsigned set;

	if (!library || !set_for(library, &set))
		return NULL;
	return hook_by_name(set, name);
}

/* A libcurl that is made of another one asks for its functions: its calls come from inside. */
static bool is_libcurl(const void *caller)
{
	bool inside;

	library_of_caller(caller, &inside);
	return inside;
}

static bool is_global(const void *handle)
{
	return handle == RTLD_DEFAULT || handle == RTLD_NEXT;
}

/* `real` is what the real function answers for a handle of the client's own. */
static void *decide(void *handle, void *real, const char *name, const void *caller)
{
	/* In the global scope we stand in front: the answer is ours already, and a program that
	 * asks whether libcurl is there must not find us instead. */
	if (is_global(handle) || (real && library_is_shim(real)))
		return library_is_linked(caller) ? NULL : DL_NOT_THERE;
	return real && is_open() && !is_libcurl(caller) ? hook_for(real, name) : NULL;
}

/* Letter by letter, because nothing of libc's may be called on the way of other names: some hosts
 * have a strncmp of their own, which is not ready before it has asked dlsym for the real one
 * (sanitizers). The same holds for real.c. */
static bool is_wanted(const char *name)
{
	return name && name[0] == 'c' && name[1] == 'u' && name[2] == 'r' && name[3] == 'l' &&
	       name[4] == '_' && hook_by_name(0, name);
}

void *dl_hook_dlsym(void *handle, const char *name, const void *caller)
{
	void *hook;
	int saved;

	if (!is_wanted(name))
		return NULL;
	saved = errno;
	hook = decide(handle, is_global(handle) ? NULL : real_dlsym()(handle, name), name, caller);
	errno = saved;
	return hook;
}

void *dl_hook_dlvsym(void *handle, const char *name, const char *version, const void *caller)
{
	void *hook;
	int saved;

	if (!is_wanted(name))
		return NULL;
	saved = errno;
	hook = decide(handle, is_global(handle) ? NULL : real_dlvsym()(handle, name, version), name,
		      caller);
	errno = saved;
	return hook;
}

void *dl_real_dlopen(void)
{
	return (void *)real_dlopen();
}

void *dl_real_dlsym(void)
{
	return (void *)real_dlsym();
}

void *dl_real_dlvsym(void)
{
	return (void *)real_dlvsym();
}
