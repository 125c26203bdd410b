/* SPDX-License-Identifier: MIT */
/* Relay patterns: which hosts the user has named.
 *   relay.example.com            https, port 443
 *   https://relay.example.com    the same
 *   http://10.0.0.7:*            http, any port
 *   *.corp.example:8443          any host below corp.example, not corp.example itself
 *   localhost:8090  [::1]:8090   loopback names without a scheme mean http, too
 *   *                            every host: any scheme, any port */
#pragma once

#include <stdbool.h>

#include "lib/text.h"
#include "core/url.h"

struct relay {
	bool everything; /* "*" alone */
	bool http, https;
	bool below; /* "*.": host is what it has to end with, dot included */
	bool any_port;
	unsigned port; /* 0: the scheme's own */
	struct text host; /* without brackets and trailing dot */
};

/* 0, or -EINVAL with a reason for people (static text). The pattern's text has to outlive it. */
int relay_parse(struct text pattern, struct relay *ret_relay, const char **ret_reason);

/* Whether the URL is http or https and at this relay. */
bool relay_match(const struct relay *relay, const struct url *url);

/* localhost, *.localhost, 127.0.0.0/8, [::1], over http or https, any port. */
bool relay_is_loopback(const struct url *url);
