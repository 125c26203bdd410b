/* SPDX-License-Identifier: MIT */
/*
 * The real libcurls of the process. There can be several (OpenSSL, GnuTLS and NSS flavours, private
 * copies), so every call goes to the one that its handle came from, or that its caller would have
 * reached without us.
 */
#ifndef TAGALONG_PRELOAD_LIBCURL_H
#define TAGALONG_PRELOAD_LIBCURL_H

#include <stdbool.h>

#include "core/url.h"
#include "preload/curl_api.h"
#include "preload/dso.h"

struct library {
	struct object object;
#define HOOK(name, result, arguments) result(*name) arguments;
#define NEED(name, result, arguments) result(*name) arguments;
#define DL_HOOK(name)
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
	struct url_api url_api;
	bool whole; /* has every function of hooks.def; else its handles are left alone */
};

/*
 * The library that a call from `caller` (a return address) is meant for; NULL when there is no
 * libcurl to be found. *ret_inside tells whether the caller is libcurl itself. The record stays
 * valid for the process's life; its functions, while that library is loaded. Thread-safe.
 */
const struct library *library_of_caller(const void *caller, bool *ret_inside);

/* The library that a function of libcurl's, which has this address, is in. NULL without memory. */
const struct library *library_at(const void *function);

/* Whether the caller would find a libcurl by the linker's rules, without us: in the global scope or
 * in its own. */
bool library_is_linked(const void *caller);
/* Whether the address is the shim's own. */
bool library_is_shim(const void *address);

/* Whether the call comes from inside this library. */
static inline bool library_holds(const struct library *library, const void *caller)
{
	return object_holds(&library->object, caller);
}

#endif
