/* SPDX-License-Identifier: MIT */
/* The real libcurls of the process. There can be several (OpenSSL, GnuTLS and NSS flavours,
 * private copies), so every call goes to the one that its handle came from, or that the loader
 * would have bound the caller to without us. */
#pragma once

#include <stdbool.h>

#include "core/url.h"
#include "preload/curl_api.h"
#include "preload/dso.h"

struct library {
	struct object object;
#define HOOK(name, result, arguments) result(*name) arguments;
#define NEED(name, result, arguments) result(*name) arguments;
#define DL_HOOK(name)
#define VERSION(name)
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
#undef VERSION
	struct url_api url_api;
	bool complete; /* has every function of hooks.def; else its handles are left alone */
	bool by_name; /* its own functions, for who asked for them by name */
};

/* The version of libcurl's that a reference is bound by: one of hooks.def, or none. */
enum libcurl_version {
	LIBCURL_UNVERSIONED,
#define HOOK(name, result, arguments)
#define NEED(name, result, arguments)
#define DL_HOOK(name)
#define VERSION(name) LIBCURL_##name,
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
#undef VERSION
	LIBCURL_VERSIONS
};

/* The library that a reference of this version was bound to without us; `caller` is the return
 * address of a call through it. NULL when there is no libcurl to be found. *ret_inside tells
 * whether the caller is libcurl itself. The struct stays valid for the process's life; its
 * functions, while that library is loaded. Thread-safe; keeps errno. */
const struct library *library_of_call(enum libcurl_version version, const void *caller,
				      bool *ret_inside);

/* The library that defines a function of libcurl's with this address. NULL without memory, and
 * for one that is in another namespace or in the program. */
const struct library *library_at(const void *function);
/* The library that an object of the list finds in its own scope, itself left out. */
const struct library *library_in_scope(const struct link_map *map);

/* The library that the references of an object are bound to which came after the start, in a process
 * that has not started with a libcurl. NULL when there is none. */
const struct library *library_of_object(const struct object *object);
/* Whether an object names a libcurl that it needs. */
bool library_is_needed(const struct link_map *map);

/* Whether the object is a libcurl. */
bool library_is_libcurl(const struct link_map *map);

/* Whether the call comes from inside this library. */
static inline bool library_holds(const struct library *library, const void *caller)
{
	return object_holds(&library->object, caller);
}
