/* SPDX-License-Identifier: MIT */
/* Injection: our header lines stand in front of the client's list while one request is sent.
 *
 * libcurl calls CURLOPT_PREREQFUNCTION right before each request, redirect hops, auth rounds,
 * streams and retries included, and reads the header list right after it. There the effective URL
 * and method are right, and there the list is set: ours and the client's for a request that is to
 * be tagged, the client's own for any other.
 *
 * None of these functions holds a lock while libcurl runs. A client may longjmp out of any
 * callback, so nothing may rely on code after a call of libcurl's. All keep errno. */
#pragma once

#include "preload/handle.h"

enum inject_when {
	INJECT_NOW, /* curl_easy_perform: libcurl reads the URL before any callback */
	INJECT_LATER, /* added to a multi: the client may still change it */
};

/* A transfer is about to start (or, in a multi, has just been added): installs our callback. False
 * when the configuration does not allow the request; then the handle is as the client made it.
 * Since 7.80 that is found out in the callback, and inject_start always answers true. After true,
 * *ret_before goes to one of the two below. */
bool inject_start(struct handle *handle, enum inject_when when, struct transfer *ret_before);
/* libcurl refused to start, because a transfer of this handle is under way: that one goes on as it
 * was before the start. */
void inject_refused(struct handle *handle, struct transfer *before);
void inject_accepted(struct transfer *before);
/* The transfer is over: the handle does again what its client made it do. */
void inject_end(struct handle *handle);
/* The handle is about to leave us: nothing of ours is left in it. */
void inject_leave(struct handle *handle);

/* The handle was reset: nothing of the client's, and nothing of ours, is set any more. */
void inject_reset(struct handle *handle);
/* Gives a copy, which shares everything, the client's own settings and a state. */
void inject_copy(const struct handle *handle, CURL *copy);

/* Whether this is an option that inject_setopt wants to see. */
static inline bool inject_wants(CURLoption option)
{
	switch ((int)option) {
#define INJECT(option) case option:
#define BODY(option) case option:
#include "preload/options.def"
#undef INJECT
#undef BODY
		return true;
	default:
		return false;
	}
}
/* The same, cheaply: may return false positives, never false negatives. */
static inline bool inject_may_want(CURLoption option)
{
	const uint64_t wanted = 0
#define INJECT(option) | UINT64_C(1) << (option) % 64
#define BODY(option) | UINT64_C(1) << (option) % 64
#include "preload/options.def"
#undef INJECT
#undef BODY
		;

	return wanted >> ((unsigned)option % 64) & 1;
}

/* Such an option, set by the client: forwarded, noted when libcurl took it, and libcurl's answer
 * returned. */
CURLcode inject_setopt(struct handle *handle, CURLoption option, void *argument);
/* Before 7.80, any option that libcurl took. */
void inject_legacy_option(struct handle *handle, CURLoption option, void *argument);
