// SPDX-License-Identifier: MIT
/*
 * URLs are never parsed by hand: userinfo, numeric and encoded hosts, missing slashes and missing
 * schemes are read the way the library in use reads them, or a header could go to a host that only
 * looks like the one that was named (pitfalls 38, 39, 59).
 */
#include "policy/url.h"

#include <errno.h>

/* What libcurl itself uses when it parses CURLOPT_URL; a scheme that it lacks is no error here. */
#define PARSE_FLAGS (CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME)

/* Since 7.88.0; an older library ignores the bit and gives the name as it is. */
#ifndef CURLU_PUNYCODE
#define CURLU_PUNYCODE (1 << 12)
#endif

enum { SCHEME, HOST, HOST_ASCII, PATH, PORT };

static bool has_non_ascii(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] > 0x7E)
			return true;
	}
	return false;
}

static bool get(const struct url_api *api, CURLU *handle, CURLUPart what, unsigned flags,
		char **owned, struct text *ret_text)
{
	*owned = NULL;
	if (api->get(handle, what, owned, flags) != CURLUE_OK || !*owned)
		return false;
	*ret_text = text_of(*owned);
	return true;
}

/* relay.example.com. is the absolute form of the same name. */
static void drop_trailing_dot(struct text *host)
{
	if (host->len > 1 && host->ptr[host->len - 1] == '.')
		host->len--;
}

static bool get_all(const struct url_api *api, CURLU *handle, struct url *url)
{
	unsigned long number = 0;
	struct text port;

	if (!get(api, handle, CURLUPART_SCHEME, 0, &url->owned[SCHEME], &url->scheme) ||
	    !get(api, handle, CURLUPART_HOST, 0, &url->owned[HOST], &url->host) ||
	    !get(api, handle, CURLUPART_PATH, 0, &url->owned[PATH], &url->path))
		return false;
	/* A scheme that this libcurl lacks has no port of its own. */
	if (get(api, handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, &url->owned[PORT], &port) &&
	    !text_number(port, 65535, &number))
		return false;
	url->port = (unsigned)number;
	url->host_ascii = url->host;
	if (has_non_ascii(url->host))
		get(api, handle, CURLUPART_HOST, CURLU_PUNYCODE, &url->owned[HOST_ASCII],
		    &url->host_ascii);
	drop_trailing_dot(&url->host);
	drop_trailing_dot(&url->host_ascii);
	return true;
}

int url_take_apart(const struct url_api *api, const char *text, struct url *ret_url)
{
	struct url url = { .port = 0 };
	bool whole = false;
	CURLU *handle;

	handle = api->url();
	if (!handle)
		return -ENOMEM;
	if (api->set(handle, CURLUPART_URL, text, PARSE_FLAGS) == CURLUE_OK)
		whole = get_all(api, handle, &url);
	api->cleanup(handle);
	if (!whole) {
		url_release(api, &url);
		return -EINVAL;
	}
	*ret_url = url;
	return 0;
}

void url_release(const struct url_api *api, struct url *url)
{
	for (size_t i = 0; i < sizeof(url->owned) / sizeof(url->owned[0]); i++) {
		if (url->owned[i])
			api->free(url->owned[i]);
		url->owned[i] = NULL;
	}
}
