// SPDX-License-Identifier: MIT
/*
 * URL and method by setopt. How option sequences end in a method differs between libcurl versions
 * (pitfall 40); what matters here is POST or not, and where versions differ the answer is "not".
 */
#include "preload/legacy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

enum method {
	METHOD_GET,
	METHOD_POST,
	METHOD_OTHER,
};

struct tracked {
	char *url;
	enum method method;
	bool custom, custom_post; /* CURLOPT_CUSTOMREQUEST beats all */
	bool follows;
};

struct tracked *tracked_new(void)
{
	return calloc(1, sizeof(struct tracked));
}

struct tracked *tracked_copy(const struct tracked *tracked)
{
	struct tracked *copy = tracked ? tracked_new() : NULL;

	if (!copy)
		return NULL;
	*copy = *tracked;
	copy->url = tracked->url ? strdup(tracked->url) : NULL;
	return copy;
}

void tracked_free(struct tracked *tracked)
{
	if (!tracked)
		return;
	free(tracked->url);
	free(tracked);
}

static void set_url(struct tracked *tracked, const char *url)
{
	free(tracked->url);
	tracked->url = url && strlen(url) <= URL_BYTES_MAX ? strdup(url) : NULL;
}

void tracked_option(struct tracked *tracked, CURLoption option, const void *argument)
{
	bool on = (intptr_t)argument != 0;

	/* Options of another band than these are pointers or numbers that mean nothing here. */
	switch ((int)option) {
	case CURLOPT_URL:
		set_url(tracked, argument);
		break;
	case CURLOPT_FOLLOWLOCATION:
		tracked->follows = on;
		break;
	case CURLOPT_POSTFIELDS:
	case CURLOPT_COPYPOSTFIELDS:
	case CURLOPT_MIMEPOST:
	case CURLOPT_HTTPPOST:
		tracked->method = METHOD_POST;
		break;
	case CURLOPT_POST:
		tracked->method = on ? METHOD_POST : METHOD_GET;
		break;
	case CURLOPT_HTTPGET:
		if (on)
			tracked->method = METHOD_GET;
		break;
	case CURLOPT_UPLOAD:
	case CURLOPT_PUT:
		tracked->method = on ? METHOD_OTHER : METHOD_GET;
		break;
	case CURLOPT_NOBODY:
		/* After NOBODY=1, NOBODY=0 some versions are back at POST, others at GET. */
		tracked->method = on ? METHOD_OTHER : METHOD_GET;
		break;
	case CURLOPT_CUSTOMREQUEST:
		tracked->custom = argument != NULL;
		tracked->custom_post = argument && !strcmp(argument, "POST");
		break;
	default:
		break;
	}
}

const char *tracked_url(const struct tracked *tracked)
{
	return tracked->url;
}

const char *tracked_method(const struct tracked *tracked)
{
	bool post = tracked->custom ? tracked->custom_post : tracked->method == METHOD_POST;

	return post ? "POST" : NULL;
}

bool tracked_follows(const struct tracked *tracked)
{
	return tracked->follows;
}
