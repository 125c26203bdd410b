/* SPDX-License-Identifier: MIT */
/* The URL API of the libcurl that the suites are linked with. */
#ifndef TAGALONG_TESTS_URL_API_H
#define TAGALONG_TESTS_URL_API_H

#include "core/url.h"

/* Its first argument is const in newer libcurl headers, and not in older ones. */
static CURLUcode get_part(CURLU *url, CURLUPart what, char **part, unsigned int flags)
{
	return curl_url_get(url, what, part, flags);
}

static const struct url_api url_api = { curl_url, curl_url_set, get_part, curl_url_cleanup,
					curl_free };

#endif
