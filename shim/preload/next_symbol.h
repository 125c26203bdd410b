/* SPDX-License-Identifier: MIT */
/* The dynamic loader's own functions: ours have the same names. */
#ifndef TAGALONG_PRELOAD_NEXT_SYMBOL_H
#define TAGALONG_PRELOAD_NEXT_SYMBOL_H

/*
 * As dlsym, dlvsym, dlopen and dlclose, from whoever is behind us: libc, or another preload. Each is
 * found at its first use. A call through one of these has the shim as its caller.
 *
 * In a process without a libdl.so.2, which has them before glibc 2.34, all are NULL but real_dlsym(),
 * which then serves RTLD_NEXT alone.
 */
typedef void *real_dlsym_function(void *handle, const char *name);
typedef void *real_dlvsym_function(void *handle, const char *name, const char *version);
typedef void *real_dlopen_function(const char *file, int flags);
typedef int real_dlclose_function(void *handle);

real_dlsym_function *real_dlsym(void);
real_dlvsym_function *real_dlvsym(void);
real_dlopen_function *real_dlopen(void);
real_dlclose_function *real_dlclose(void);

#endif
