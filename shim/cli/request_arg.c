// SPDX-License-Identifier: MIT
/* What the commands fill in where the shim has a transfer. */
#include "cli/request_arg.h"

#include <curl/curl.h>

#include "lib/clock.h"
#include "lib/random.h"

/* Its first argument is const in newer libcurl headers, and not in older ones. */
static CURLUcode get_part(CURLU *url, CURLUPart what, char **part, unsigned int flags)
{
	return curl_url_get(url, what, part, flags);
}

bool request_init(struct tag_request *request, const char *method, const char *url)
{
	static const struct url_api api = { curl_url, curl_url_set, get_part, curl_url_cleanup,
					    curl_free };
	uint8_t random[10];

	*request = (struct tag_request){ .api = &api, .url = url, .method = method };
	if (random_fill(random, sizeof(random)))
		return false;
	uuid7_make(request->request_id, clock_unix_ms(), random);
	return true;
}

struct text request_body(void *arg)
{
	return *(const struct text *)arg;
}
