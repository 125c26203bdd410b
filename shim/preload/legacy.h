/* SPDX-License-Identifier: MIT */
/*
 * For libcurl before 7.80, which has no PREREQ callback: what the next request will be, followed
 * through the client's setopt calls, because nothing can be asked when it is about to be sent.
 */
#ifndef TAGALONG_PRELOAD_LEGACY_H
#define TAGALONG_PRELOAD_LEGACY_H

#include <stdbool.h>

#include "preload/curl_api.h"

struct tracked;

/* NULL without memory. */
struct tracked *tracked_new(void);
struct tracked *tracked_copy(const struct tracked *tracked);
void tracked_free(struct tracked *tracked);

/* Takes note of an option that the library has accepted. */
void tracked_option(struct tracked *tracked, CURLoption option, const void *argument);

/* The last CURLOPT_URL; NULL when it is not known. */
const char *tracked_url(const struct tracked *tracked);
/* "POST", or NULL for any other method. */
const char *tracked_method(const struct tracked *tracked);
/* Whether a redirect may be followed to a host that is not known now. */
bool tracked_follows(const struct tracked *tracked);

#endif
