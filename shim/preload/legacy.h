/* SPDX-License-Identifier: MIT */
/* For libcurl before 7.80, which has no PREREQ callback: what the next request will be, followed
 * through the client's setopt calls, because nothing can be asked when it is about to be sent. */
#pragma once

#include <stdbool.h>

#include "preload/curl_api.h"

struct legacy_request;

/* NULL without memory. */
struct legacy_request *legacy_new(void);
struct legacy_request *legacy_copy(const struct legacy_request *legacy);
void legacy_free(struct legacy_request *legacy);

/* Notes an option that the library has accepted. Returns whether it can change what is decided. */
bool legacy_option(struct legacy_request *legacy, CURLoption option, const void *argument);

/* The last CURLOPT_URL; NULL when it is not known. */
const char *legacy_url(const struct legacy_request *legacy);
/* "POST", or NULL for any other method. */
const char *legacy_method(const struct legacy_request *legacy);
/* Whether a redirect may be followed to a host that is not known now. */
bool legacy_follows(const struct legacy_request *legacy);

/* Whether a proxy may be in use, by option or environment: then loopback names are the proxy's. */
bool legacy_may_use_proxy(const struct legacy_request *legacy);
