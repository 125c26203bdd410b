// SPDX-License-Identifier: MIT
/* URL and method by setopt. How option sequences end in a method differs between libcurl versions;
 * what matters here is POST or not, and where versions differ the answer is "not". */
#include "preload/legacy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/text.h"

enum method {
	METHOD_GET,
	METHOD_POST,
	METHOD_OTHER,
};

struct legacy_request {
	char *url;
	enum method method;
	bool custom, custom_post; /* CURLOPT_CUSTOMREQUEST beats all */
	bool follows;
	enum { PROXY_BY_ENVIRONMENT, PROXY_NONE, PROXY_SET } proxy;
};

struct legacy_request *legacy_new(void)
{
	return calloc(1, sizeof(struct legacy_request));
}

struct legacy_request *legacy_copy(const struct legacy_request *legacy)
{
	struct legacy_request *copy = legacy ? legacy_new() : NULL;

	if (!copy)
		return NULL;
	*copy = *legacy;
	copy->url = legacy->url ? string_copy(legacy->url) : NULL;
	return copy;
}

void legacy_free(struct legacy_request *legacy)
{
	if (!legacy)
		return;
	free(legacy->url);
	free(legacy);
}

static void set_url(struct legacy_request *legacy, const char *url)
{
	free(legacy->url);
	legacy->url = url && strlen(url) <= URL_BYTES_MAX ? string_copy(url) : NULL;
}

bool legacy_option(struct legacy_request *legacy, CURLoption option, const void *argument)
{
	bool on = (intptr_t)argument != 0;

	/* Options of another band than these are pointers or numbers that mean nothing here. */
	switch ((int)option) {
	case CURLOPT_URL:
		set_url(legacy, argument);
		break;
	case CURLOPT_FOLLOWLOCATION:
		legacy->follows = on;
		break;
	case CURLOPT_POSTFIELDS:
	case CURLOPT_COPYPOSTFIELDS:
	case CURLOPT_MIMEPOST:
	case CURLOPT_HTTPPOST:
		legacy->method = METHOD_POST;
		break;
	case CURLOPT_POST:
		legacy->method = on ? METHOD_POST : METHOD_GET;
		break;
	case CURLOPT_HTTPGET:
		if (on)
			legacy->method = METHOD_GET;
		break;
	case CURLOPT_UPLOAD:
	case CURLOPT_PUT:
		legacy->method = on ? METHOD_OTHER : METHOD_GET;
		break;
	case CURLOPT_NOBODY:
		/* After NOBODY=1, NOBODY=0 some versions are back at POST, others at GET. */
		legacy->method = on ? METHOD_OTHER : METHOD_GET;
		break;
	case CURLOPT_CUSTOMREQUEST:
		legacy->custom = argument != NULL;
		legacy->custom_post = argument && !strcmp(argument, "POST");
		break;
	case CURLOPT_PROXY:
	case CURLOPT_PRE_PROXY:
		legacy->proxy = argument && *(const char *)argument ? PROXY_SET : PROXY_NONE;
		break;
	case CURLOPT_CURLU:
	case CURLOPT_PORT:
	case CURLOPT_REQUEST_TARGET:
	case CURLOPT_HEADEROPT:
		break;
	default:
		return false;
	}
	return true;
}

const char *legacy_url(const struct legacy_request *legacy)
{
	return legacy->url;
}

const char *legacy_method(const struct legacy_request *legacy)
{
	bool post = legacy->custom ? legacy->custom_post : legacy->method == METHOD_POST;

	return post ? "POST" : NULL;
}

bool legacy_follows(const struct legacy_request *legacy)
{
	return legacy->follows;
}

bool legacy_may_use_proxy(const struct legacy_request *legacy)
{
	static const char names[][12] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					  "ALL_PROXY" };

	for (size_t i = 0;
	     legacy->proxy == PROXY_BY_ENVIRONMENT && i < sizeof(names) / sizeof(names[0]); i++) {
		if (secure_getenv(names[i]))
			return true;
	}
	return legacy->proxy == PROXY_SET;
}
