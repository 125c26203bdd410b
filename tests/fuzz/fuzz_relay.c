// SPDX-License-Identifier: MIT
/*
 * A relay pattern and a URL, a line each. What matters is that nothing leaves for a host that was not
 * named: so for a pattern that is a plain host name, whatever libcurl calls the host of a URL that
 * matches has to be that name.
 */
#include "fuzz.h"

#include <string.h>

#include "core/endpoint.h"
#include "core/relay.h"
#include "url_api.h"

static bool is_plain(const struct relay *relay)
{
	for (size_t i = 0; i < relay->host.len; i++) {
		char c = relay->host.ptr[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '.')
			return false;
	}
	return !relay->everything && !relay->below;
}

static void check_match(const struct relay *relay, const struct url *url)
{
	bool http = text_eq(url->scheme, TEXT("http")), https = text_eq(url->scheme, TEXT("https"));

	CHECK(http || https);
	if (relay->everything)
		return;
	CHECK(http ? relay->http : relay->https);
	CHECK(relay->any_port || url->port == (relay->port ? relay->port : https ? 443 : 80));
	if (relay->below)
		CHECK(text_ends_with_nocase(url->host, relay->host) ||
		      text_ends_with_nocase(url->host_ascii, relay->host));
	/* A name that is an address is compared as one, so "127.1" may be called "127.0.0.1". */
	if (is_plain(relay) && !ascii_is_digit(relay->host.ptr[relay->host.len - 1]))
		CHECK(text_eq_nocase(url->host, relay->host) ||
		      text_eq_nocase(url->host_ascii, relay->host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	struct text pattern;
	struct relay relay;
	const char *reason = NULL;
	struct url url;
	char *text;

	if (!newline || size > 4096)
		return 0;
	pattern = (struct text){ (const char *)data, (size_t)(newline - data) };
	if (relay_parse(pattern, &relay, &reason)) {
		CHECK(reason && reason[0]);
		return 0;
	}
	CHECK(relay.everything || relay.host.len);
	text = strndup((const char *)newline + 1, size - pattern.len - 1);
	if (!url_parse(&url_api, text, &url)) {
		if (relay_match(&relay, &url))
			check_match(&relay, &url);
		endpoint_class_of(url.path);
		url_release(&url_api, &url);
	}
	free(text);
	return 0;
}
