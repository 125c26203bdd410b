/* SPDX-License-Identifier: MIT */
/*
 * Doors for clients that a plain preload does not reach: plugins that are loaded with RTLD_DEEPBIND
 * (PHP), and clients that ask for libcurl's functions by name (ctypes, Ruby's ffi).
 *
 * The exported dlopen, dlsym and dlvsym are a few instructions (trampolines.S): they ask one of
 * these, and then jump to the real function or return its answer. A jump, not a call: the real
 * function then sees the caller's own address, and with it the caller's RUNPATH, $ORIGIN and place
 * in the search order.
 */
#ifndef TAGALONG_PRELOAD_DL_HOOKS_H
#define TAGALONG_PRELOAD_DL_HOOKS_H

#include "preload/libcurl.h"

/* The flags to go on with: without RTLD_DEEPBIND for a file that needs a libcurl. */
int dl_hook_dlopen(const char *file, int flags);
/* What to return instead of asking the real function; NULL to ask it, DL_NOT_THERE for NULL. */
#define DL_NOT_THERE ((void *)-1) /* known to trampolines.S */
void *dl_hook_dlsym(void *handle, const char *name, const void *caller);
void *dl_hook_dlvsym(void *handle, const char *name, const char *version, const void *caller);

/* Where the trampolines jump to: the real functions. */
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

#endif
