/* SPDX-License-Identifier: MIT */
/* Parsing a URL with libcurl's own parser: the one that the request will use. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "lib/text.h"

/* The URL API of one libcurl (curl_url and its family, 7.62 and newer). */
struct url_api {
	CURLU *(*url)(void);
	CURLUcode (*set)(CURLU *url, CURLUPart what, const char *part, unsigned int flags);
	CURLUcode (*get)(CURLU *url, CURLUPart what, char **part, unsigned int flags);
	void (*cleanup)(CURLU *url);
	void (*free)(void *memory);
};

struct url {
	struct text scheme; /* lower case */
	struct text host; /* as in the URL, IPv6 in brackets, without one trailing dot */
	struct text host_ascii; /* IDN in punycode where this libcurl can; else as host */
	struct text path; /* before "?", as it is sent */
	bool zoned; /* an IPv6 address with a zone, which `host` does not show */
	unsigned port; /* the scheme's own where the URL has none; 0: unknown */
	char *owned[5]; /* for url_release */
	bool cached; /* for url_release */
};

/* 0, -EINVAL when libcurl would refuse it, -ENOMEM. *ret_url is to be released only after 0,
 * soon, and by the same thread. Thread-safe. The last URL without a query or a user is cached.
 * Without an api the URL comes from a hook that built it from the connection that is used: it is
 * split at fixed places, and one that is not exactly scheme://host[:port]/path is refused; the
 * parts then point into it. */
int url_parse(const struct url_api *api, const char *url, struct url *ret_url);
void url_release(const struct url_api *api, struct url *url);
/* An api may be another library's from now on: what it parsed before no longer counts. */
void url_cache_invalidate(void);
/* How often that happened. */
unsigned url_cache_generation(void);
