// SPDX-License-Identifier: MIT
/* The exported functions. Each finds out whose call it is, does its part and forwards. libcurl's
 * own inner calls, which come back here through its PLT, and handles that were not made through
 * us go straight through. Nothing is ever called through NULL: where no libcurl is found, the
 * answer is libcurl's own failure code. */
#include "preload/dl_hooks.h"
#include "preload/inject.h"
#include "preload/legacy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* Where a call came from. */
struct call {
	const void *caller; /* its return address */
	/* By which it came: enum libcurl_version, and then one for each set of names. */
	unsigned entry;
};

/* The library that the entry point, or else the caller, means. */
static const struct library *library_called(struct call call, bool *ret_inside)
{
	const struct library *library;

	if (call.entry < LIBCURL_VERSIONS)
		return library_of_call((enum libcurl_version)call.entry, call.caller, ret_inside);
	library = dl_hook_library(call.entry - LIBCURL_VERSIONS);
	*ret_inside = library && library_holds(library, call.caller);
	return library;
}

/* The library for a handle: the one that it came from, else the one that is called. */
static const struct library *library_for(const struct handle *handle, struct call call)
{
	bool inside;

	return handle ? handle->library : library_called(call, &inside);
}

/* Before 7.80 the option is unknown, and then everything about the next request has to be followed
 * from the beginning. Asked on the new handle itself, where NULL is what is set anyway. */
static void adopt(CURL *easy, const struct library *library)
{
	struct legacy_request *legacy = NULL;
	int saved = errno;

	if (library->curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, NULL) != CURLE_OK)
		legacy = legacy_new();
	handle_make(easy, library, legacy);
	errno = saved;
}

static CURL *easy_init(struct call call)
{
	bool inside;
	const struct library *library = library_called(call, &inside);
	CURL *easy = library && library->curl_easy_init ? library->curl_easy_init() : NULL;

	if (!easy)
		return NULL;
	if (inside || !library->complete)
		handle_drop(easy);
	else
		adopt(easy, library);
	return easy;
}

/* Nearly all calls: an option that nobody looks at, on a handle of ours. */
static inline bool easy_passes(const struct handle *handle, CURLoption option)
{
	return __builtin_expect(handle && handle->pass && !inject_may_want(option), true);
}

/* All others. */
static __attribute__((noinline)) CURLcode easy_setopt(struct call call, CURL *easy,
						      CURLoption option, void *argument)
{
	struct handle *handle = handle_find(easy);
	const struct library *library;
	CURLcode code;

	if (handle && handle->library->curl_easy_setopt && inject_wants(option))
		return inject_setopt(handle, option, argument);
	library = library_for(handle, call);
	if (!library || !library->curl_easy_setopt)
		return CURLE_FAILED_INIT;
	code = library->curl_easy_setopt(easy, option, argument);
	if (code == CURLE_OK && handle && handle->legacy)
		inject_legacy_option(handle, option, argument);
	return code;
}

static CURLcode easy_perform(struct call call, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);
	struct transfer before;
	CURLcode code;

	if (!library || !library->curl_easy_perform)
		return CURLE_FAILED_INIT;
	if (!handle)
		return library->curl_easy_perform(easy);
	if (!inject_start(handle, INJECT_NOW, &before)) {
		inject_accepted(&before);
		return CURLE_ABORTED_BY_CALLBACK;
	}
	code = library->curl_easy_perform(easy);
	/* Refused inside a callback (93 since 8.22, 2 before), or because it is in a multi. */
	if ((before.started || handle->multi) &&
	    (code == CURLE_FAILED_INIT || code == CURLE_RECURSIVE_API_CALL)) {
		inject_refused(handle, &before);
		return code;
	}
	inject_accepted(&before);
	inject_end(handle);
	return code;
}

static void easy_reset(struct call call, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);
	char *url = NULL;

	if (!library || !library->curl_easy_reset)
		return;
	library->curl_easy_reset(easy);
	if (!handle)
		return;
	/* 8.22 refuses inside callbacks, without a word; then the URL is still there. */
	if (handle->transfer.started)
		library->curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	if (!url || !url[0])
		inject_reset(handle);
}

static CURL *easy_duphandle(struct call call, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);
	CURL *copy;

	if (!library || !library->curl_easy_duphandle)
		return NULL;
	copy = library->curl_easy_duphandle(easy);
	if (!copy)
		return NULL;
	if (handle)
		inject_copy(handle, copy);
	else
		handle_drop(copy);
	return copy;
}

static void easy_cleanup(struct call call, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);

	if (!library || !library->curl_easy_cleanup)
		return;
	if (handle) {
		/* Before the real one: its address may be given out again at once and
		 * 8.22 refuses inside callbacks, where the handle lives on without us. */
		inject_leave(handle);
		handle_drop(easy);
	}
	library->curl_easy_cleanup(easy);
}

/* curl_easy_perform comes from inside of libcurl, once for each request. */
static inline bool is_inner_call(const struct handle *handle, struct call call)
{
	return handle && library_holds(handle->library, call.caller);
}

static __attribute__((noinline)) CURLMcode add_to_multi(struct call call, CURLM *multi, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);
	struct transfer before;
	CURLMcode code;
	bool allowed;

	if (!library || !library->curl_multi_add_handle)
		return CURLM_INTERNAL_ERROR;
	code = library->curl_multi_add_handle(multi, easy);
	/* After it, because adding sends nothing yet: so a refused add changes nothing. */
	if (code != CURLM_OK || !handle || is_inner_call(handle, call))
		return code;
	allowed = inject_start(handle, INJECT_LATER, &before);
	inject_accepted(&before);
	if (!allowed) {
		library->curl_multi_remove_handle(multi, easy);
		return CURLM_INTERNAL_ERROR; /* what needs this has no CURLM_ABORTED_BY_CALLBACK */
	}
	handle_join(handle, multi);
	return code;
}

static CURLMcode multi_add_handle(struct call call, CURLM *multi, CURL *easy)
{
	const struct handle *handle = handle_peek(easy);

	if (is_inner_call(handle, call))
		return handle->library->curl_multi_add_handle(multi, easy);
	return add_to_multi(call, multi, easy);
}

static __attribute__((noinline)) CURLMcode remove_from_multi(struct call call, CURLM *multi,
							     CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);
	CURLMcode code;

	if (!library || !library->curl_multi_remove_handle)
		return CURLM_INTERNAL_ERROR;
	code = library->curl_multi_remove_handle(multi, easy);
	if (code != CURLM_OK || !handle || is_inner_call(handle, call))
		return code;
	handle_leave(handle);
	inject_end(handle);
	return code;
}

static CURLMcode multi_remove_handle(struct call call, CURLM *multi, CURL *easy)
{
	const struct handle *handle = handle_peek(easy);

	if (is_inner_call(handle, call))
		return handle->library->curl_multi_remove_handle(multi, easy);
	return remove_from_multi(call, multi, easy);
}

static CURLMcode multi_cleanup(struct call call, CURLM *multi)
{
	struct handle *inside = handle_ring_take(multi), *handle;
	const struct library *library = library_for(inside, call);
	CURLMcode code = CURLM_INTERNAL_ERROR;

	if (library && library->curl_multi_cleanup)
		code = library->curl_multi_cleanup(multi);
	if (code != CURLM_OK)
		handle_ring_put(multi, inside);
	/* Handles that are still inside live on; their transfers have ended here. */
	while (code == CURLM_OK && (handle = handle_ring_pop(&inside)))
		inject_end(handle);
	return code;
}

/* curl_easy_setopt's one argument goes on as it came. These two machines pass a
 * variadic function's arguments in the registers that any other's are in, so here it has three
 * parameters, and the usual call leaves by a jump, with nothing on the stack. Elsewhere the
 * argument is taken by the option's type band. */
#if defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
#define SETOPT_PARAMETERS CURL *easy, CURLoption option, void *argument
#define EASY_SETOPT(linkage, name, from) \
	linkage CURLcode name(SETOPT_PARAMETERS) \
	{ \
		const struct handle *handle = handle_peek(easy); \
		if (easy_passes(handle, option)) \
			return handle->pass(easy, option, argument); \
		return easy_setopt(from, easy, option, argument); \
	}
#else
#if UINTPTR_MAX < UINT64_MAX
/* A curl_off_t, which takes two slots instead of one. */
static CURLcode easy_setopt_wide(struct call call, CURL *easy, CURLoption option, curl_off_t number)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, call);
	CURLcode code;

	if (!library || !library->curl_easy_setopt)
		return CURLE_FAILED_INIT;
	code = library->curl_easy_setopt(easy, option, number);
	if (handle && code == CURLE_OK && option == CURLOPT_POSTFIELDSIZE_LARGE)
		body_size(&handle->body, number);
	return code;
}
#endif

static CURLcode easy_setopt_list(struct call call, CURL *easy, CURLoption option, va_list list)
{
#if UINTPTR_MAX < UINT64_MAX
	if (option / 10000 == 3)
		return easy_setopt_wide(call, easy, option, va_arg(list, curl_off_t));
#endif
	return easy_setopt(call, easy, option, va_arg(list, void *));
}

#define SETOPT_PARAMETERS CURL *easy, CURLoption option, ...
#define EASY_SETOPT(linkage, name, from) \
	linkage CURLcode name(SETOPT_PARAMETERS) \
	{ \
		CURLcode code; \
		va_list list; \
		va_start(list, option); \
		code = easy_setopt_list(from, easy, option, list); \
		va_end(list); \
		return code; \
	}
#endif

/* The entry points. `entry` tells which one it is, and the return address has to be taken in it. */
#define ENTRY_POINTS(linkage, prefix, entry) \
	linkage CURL *prefix##curl_easy_init(void) \
	{ \
		return easy_init(FROM(entry)); \
	} \
	linkage CURLcode prefix##curl_easy_perform(CURL *easy) \
	{ \
		return easy_perform(FROM(entry), easy); \
	} \
	linkage void prefix##curl_easy_reset(CURL *easy) \
	{ \
		easy_reset(FROM(entry), easy); \
	} \
	linkage CURL *prefix##curl_easy_duphandle(CURL *easy) \
	{ \
		return easy_duphandle(FROM(entry), easy); \
	} \
	linkage void prefix##curl_easy_cleanup(CURL *easy) \
	{ \
		easy_cleanup(FROM(entry), easy); \
	} \
	linkage CURLMcode prefix##curl_multi_add_handle(CURLM *multi, CURL *easy) \
	{ \
		return multi_add_handle(FROM(entry), multi, easy); \
	} \
	linkage CURLMcode prefix##curl_multi_remove_handle(CURLM *multi, CURL *easy) \
	{ \
		return multi_remove_handle(FROM(entry), multi, easy); \
	} \
	linkage CURLMcode prefix##curl_multi_cleanup(CURLM *multi) \
	{ \
		return multi_cleanup(FROM(entry), multi); \
	}
#define FROM(entry) ((struct call){ __builtin_return_address(0), entry })

/* Under libcurl's own names, once for references without a version and once for each version.
 * The plain ones have two default versions, TAGALONG_1 and TAGALONG_2: the loader takes the
 * first for a reference without a version, and musl for any, but for glibc's dlsym() a name with
 * two defaults is ambiguous, and it goes on looking. So a program that asks whether there is a
 * libcurl gets the answer, and the error message, that it would get without us. Newer linkers
 * refuse to make two, so the second becomes one after linking (scripts/second-default).
 * docs/internals.md: "Which libcurl a call means". */
#define ALL_HOOKS(X, version) \
	X(curl_easy_init, version) \
	X(curl_easy_setopt, version) \
	X(curl_easy_perform, version) \
	X(curl_easy_reset, version) \
	X(curl_easy_duphandle, version) \
	X(curl_easy_cleanup, version) \
	X(curl_multi_add_handle, version) \
	X(curl_multi_remove_handle, version) \
	X(curl_multi_cleanup, version)
#define FIRST_DEFAULT(hook, version) \
	__asm__(".globl entry_plain_" #hook "\n.symver entry_plain_" #hook ", " #hook \
		"@@" #version);
#define SECOND_DEFAULT(hook, version) \
	__asm__(".globl entry_second_" #hook "\n.set entry_second_" #hook ", entry_plain_" #hook \
		"\n.symver entry_second_" #hook ", " #hook "@" #version);
#define OLDER_VERSION(hook, version) \
	__asm__(".globl entry_" #version "_" #hook "\n.symver entry_" #version "_" #hook \
		", " #hook "@" #version);

/* Static, but for the assembler, which gives them their names. */
#define USED static __attribute__((used))
EASY_SETOPT(USED, entry_plain_curl_easy_setopt, FROM(LIBCURL_UNVERSIONED))
ENTRY_POINTS(USED, entry_plain_, LIBCURL_UNVERSIONED)
ALL_HOOKS(FIRST_DEFAULT, TAGALONG_1)
ALL_HOOKS(SECOND_DEFAULT, TAGALONG_2)

#define HOOK(name, result, arguments)
#define NEED(name, result, arguments)
#define DL_HOOK(name)
#define VERSION(name) \
	EASY_SETOPT(USED, entry_##name##_curl_easy_setopt, FROM(LIBCURL_##name)) \
	ENTRY_POINTS(USED, entry_##name##_, LIBCURL_##name) \
	ALL_HOOKS(OLDER_VERSION, name)
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
#undef VERSION

/* Once for each set that is handed out to clients that ask by name. */
#define SET(prefix, number) \
	EASY_SETOPT(static, prefix##curl_easy_setopt, FROM(LIBCURL_VERSIONS + number)) \
	ENTRY_POINTS(static, prefix, LIBCURL_VERSIONS + number)
SET(set0_, 0)
SET(set1_, 1)
SET(set2_, 2)
SET(set3_, 3)
_Static_assert(DL_HOOK_SETS == 4, "one of each a set");

/* Compared one by one, not in a table of pointers: nothing to relocate when a process starts. */
void *hook_by_name(unsigned set, const char *name)
{
#define HOOK(hook, result, arguments) \
	if (!strcmp(name, #hook)) \
		return set == 0 ? (void *)set0_##hook : \
		       set == 1 ? (void *)set1_##hook : \
		       set == 2 ? (void *)set2_##hook : \
				  (void *)set3_##hook;
#define NEED(name, result, arguments)
#define DL_HOOK(name)
#define VERSION(name)
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
#undef VERSION
	return NULL;
}
