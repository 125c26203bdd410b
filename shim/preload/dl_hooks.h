/* SPDX-License-Identifier: MIT */
/* Hooks for clients that a plain preload does not reach: plugins that are loaded with
 * RTLD_DEEPBIND (PHP), and clients that ask for libcurl's functions by name (ctypes, Ruby's
 * ffi).
 *
 * The exported dlopen, dlsym and dlvsym are a few instructions (trampolines.S): they ask one of
 * these, and return its answer, or jump to the real function. A jump, not a call: the real
 * function then sees the caller's own address, and with it the caller's RUNPATH, $ORIGIN and
 * place in the search order, and its error message names the caller. */
#pragma once

#include "preload/libcurl.h"

/* The arguments of a call, as trampolines.S keeps them: a hook may change what goes on. */
struct dl_arguments {
	union {
		void *handle;
		const char *file;
	};
	union {
		const char *name;
		int flags;
	};
	const char *version;
};

/* What to return to the caller; NULL to go on with the real function. */
void *dl_hook_dlopen(struct dl_arguments *arguments, const void *caller);
void *dl_hook_dlsym(struct dl_arguments *arguments, const void *caller);
void *dl_hook_dlvsym(struct dl_arguments *arguments, const void *caller);

/* Where the trampolines jump to: the real functions, of libc or of another preload behind us.
 * NULL in a process that has none: before glibc 2.34 they are in libdl.so.2. */
void *dl_real_dlopen(void);
void *dl_real_dlsym(void);
void *dl_real_dlvsym(void);

/* Functions that were asked for by name belong to one library for good. There are this many sets of
 * them; a client that asks for a further library's functions gets that library's own. */
#define DL_HOOK_SETS 4

/* The hook `name` of set number `set`, or NULL when there is no hook of that name. (hooks.c) */
void *hook_by_name(unsigned set, const char *name);
/* The library that a set is for; NULL while it is free. */
const struct library *dl_hook_library(unsigned set);
