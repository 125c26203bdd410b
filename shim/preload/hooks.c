// SPDX-License-Identifier: MIT
/*
 * The exported functions. Each finds out whose call it is, does its part and forwards. libcurl's
 * own inner calls, which come back here through its PLT, and handles that were not made through us
 * go straight through (pitfalls 19 to 21). Nothing is ever called through NULL: where no libcurl is
 * found, the answer is libcurl's own failure code (pitfall 23).
 */
#include "preload/lend.h"
#include "preload/tracked.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

/* Own prototypes: <curl/curl.h> declares these without visibility. */
#define HOOK(name, result, arguments) EXPORT result name arguments;
#define NEED(name, result, arguments)
#include "preload/hooks.def"
#undef HOOK
#undef NEED

/* The library for a handle: the one that it came from, else the one that the caller means. */
static const struct library *library_for(const struct handle *handle, const void *caller)
{
	bool inside;

	return handle ? handle->library : library_of_caller(caller, &inside);
}

/* Before 7.80 the option is unknown, and then everything about the next request has to be followed
 * from the beginning. Asked on the new handle itself, where NULL is what is set anyway. */
static void adopt(CURL *easy, const struct library *library)
{
	struct handle *handle = handle_make(easy, library);
	int saved = errno;

	if (handle && library->whole &&
	    library->curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, NULL) != CURLE_OK)
		handle->tracked = tracked_new();
	errno = saved;
}

CURL *curl_easy_init(void)
{
	bool inside;
	const struct library *library = library_of_caller(CALLER, &inside);
	CURL *easy = library && library->curl_easy_init ? library->curl_easy_init() : NULL;

	if (!easy)
		return NULL;
	if (inside)
		handle_drop(easy);
	else
		adopt(easy, library);
	return easy;
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);
	CURLcode code;
	va_list list;
	void *argument;

	if (!library || !library->curl_easy_setopt)
		return CURLE_FAILED_INIT;
	va_start(list, option);
#if UINTPTR_MAX < UINT64_MAX
	/* Two slots instead of one; band 3 is curl_off_t (pitfall 46). */
	if (option / 10000 == 3) {
		curl_off_t number = va_arg(list, curl_off_t);

		va_end(list);
		return library->curl_easy_setopt(easy, option, number);
	}
#endif
	argument = va_arg(list, void *);
	va_end(list);
	if (handle && lend_wants(option))
		return lend_setopt(handle, option, argument);
	if (!handle || !handle->tracked)
		return library->curl_easy_setopt(easy, option, argument);
	code = library->curl_easy_setopt(easy, option, argument);
	if (code == CURLE_OK)
		tracked_option(handle->tracked, option, argument);
	return code;
}

CURLcode curl_easy_perform(CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);
	struct lend_before before;
	CURLcode code;

	if (!library || !library->curl_easy_perform)
		return CURLE_FAILED_INIT;
	if (!handle)
		return library->curl_easy_perform(easy);
	lend_start(handle, &before);
	code = library->curl_easy_perform(easy);
	/* Refused inside a callback (93 since 8.22, 2 before), or because it is in a multi. */
	if ((before.started || handle->multi) &&
	    (code == CURLE_FAILED_INIT || code == CURLE_RECURSIVE_API_CALL))
		lend_refused(handle, &before);
	else
		lend_end(handle);
	return code;
}

void curl_easy_reset(CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);
	char *url = NULL;

	if (!library || !library->curl_easy_reset)
		return;
	library->curl_easy_reset(easy);
	if (!handle || !library->whole)
		return;
	/* 8.22 refuses inside callbacks, without a word; then the URL is still there (pitfall 56). */
	if (handle->started)
		library->curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	if (!url || !url[0])
		lend_reset(handle);
}

CURL *curl_easy_duphandle(CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);
	CURL *copy;

	if (!library || !library->curl_easy_duphandle)
		return NULL;
	copy = library->curl_easy_duphandle(easy);
	if (!copy)
		return NULL;
	if (handle)
		lend_copy(handle, copy);
	else
		handle_drop(copy);
	return copy;
}

void curl_easy_cleanup(CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);

	if (!library || !library->curl_easy_cleanup)
		return;
	if (handle) {
		/* Before the real one: its address may be given out again at once (pitfall 60), and
		 * 8.22 refuses inside callbacks, where the handle lives on without us. */
		lend_end(handle);
		handle_drop(easy);
	}
	library->curl_easy_cleanup(easy);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);
	struct lend_before before;
	CURLMcode code;

	if (!library || !library->curl_multi_add_handle)
		return CURLM_INTERNAL_ERROR;
	code = library->curl_multi_add_handle(multi, easy);
	/* After it, because adding sends nothing yet: so a refused add changes nothing. */
	if (code != CURLM_OK || !handle || library_holds(library, CALLER))
		return code;
	lend_start(handle, &before);
	handle_join(handle, multi);
	return code;
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	struct handle *handle = handle_find(easy);
	const struct library *library = library_for(handle, CALLER);
	CURLMcode code;

	if (!library || !library->curl_multi_remove_handle)
		return CURLM_INTERNAL_ERROR;
	code = library->curl_multi_remove_handle(multi, easy);
	if (code != CURLM_OK || !handle || library_holds(library, CALLER))
		return code;
	handle_leave(handle);
	lend_end(handle);
	return code;
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
	struct handle *inside = handle_ring_take(multi), *handle;
	const struct library *library = library_for(inside, CALLER);
	CURLMcode code = CURLM_INTERNAL_ERROR;

	if (library && library->curl_multi_cleanup)
		code = library->curl_multi_cleanup(multi);
	if (code != CURLM_OK)
		handle_ring_put(multi, inside);
	/* Handles that are still inside live on; their transfers have ended here. */
	while (code == CURLM_OK && (handle = handle_ring_pop(&inside)))
		lend_end(handle);
	return code;
}
