// SPDX-License-Identifier: MIT
/* Relay patterns and their match against a URL that libcurl parsed. Names compare without
 * case; addresses compare as addresses, so that [::1] is [0:0:0:0:0:0:0:1]. */
#include "core/relay.h"

#include <arpa/inet.h>
#include <errno.h>

struct address {
	int family; /* AF_INET, AF_INET6, or 0: a name */
	unsigned char bytes[16];
};

static struct text without_brackets(struct text host)
{
	if (host.len > 1 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		return (struct text){ host.ptr + 1, host.len - 2 };
	return host;
}

static struct address address_of(struct text host)
{
	struct address address = { 0 };
	char name[INET6_ADDRSTRLEN];

	if (host.len >= sizeof(name) || !host.len)
		return address;
	memcpy(name, host.ptr, host.len);
	name[host.len] = '\0';
	if (inet_pton(AF_INET, name, address.bytes) == 1)
		address.family = AF_INET;
	else if (inet_pton(AF_INET6, name, address.bytes) == 1)
		address.family = AF_INET6;
	return address;
}

static bool is_loopback_host(struct text host)
{
	static const unsigned char ipv6_loopback[16] = { [15] = 1 };
	struct address address = address_of(host);

	switch (address.family) {
	case AF_INET:
		return address.bytes[0] == 127;
	case AF_INET6:
		return !memcmp(address.bytes, ipv6_loopback, sizeof(ipv6_loopback));
	default:
		return text_eq_nocase(host, TEXT("localhost")) ||
		       text_ends_with_nocase(host, TEXT(".localhost"));
	}
}

static bool is_http(const struct url *url)
{
	return text_eq(url->scheme, TEXT("http"));
}

static bool is_https(const struct url *url)
{
	return text_eq(url->scheme, TEXT("https"));
}

static bool host_char_ok(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || (unsigned char)c > 0x7E;
}

static bool name_ok(struct text host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (!host_char_ok(host.ptr[i]))
			return false;
		if (host.ptr[i] == '.' && (i + 1 == host.len || host.ptr[i + 1] == '.'))
			return false;
	}
	return host.len && host.ptr[0] != '.';
}

/* Takes "http://" or "https://" off the front. */
static const char *parse_scheme(struct text *pattern, struct relay *relay)
{
	ptrdiff_t colon = text_find(*pattern, ':');
	struct text scheme;

	if (colon < 0 || !text_starts_with(text_from(*pattern, (size_t)colon), TEXT("://")))
		return NULL;
	scheme = (struct text){ pattern->ptr, (size_t)colon };
	relay->http = text_eq_nocase(scheme, TEXT("http"));
	relay->https = text_eq_nocase(scheme, TEXT("https"));
	if (!relay->http && !relay->https)
		return "the scheme is neither http nor https";
	*pattern = text_from(*pattern, (size_t)colon + 3);
	return NULL;
}

/* Takes ":8443" or ":*" off the end. */
static const char *parse_port(struct text *pattern, struct relay *relay)
{
	ptrdiff_t colon = text_find_last(*pattern, ':');
	ptrdiff_t bracket = text_find_last(*pattern, ']');
	unsigned long number = 0;
	struct text port;

	if (colon < 0 || colon < bracket)
		return NULL;
	port = text_from(*pattern, (size_t)colon + 1);
	pattern->len = (size_t)colon;
	relay->any_port = text_eq(port, TEXT("*"));
	if (!relay->any_port && (!text_number(port, 65535, &number) || !number))
		return "the port is no number from 1 to 65535, nor *";
	relay->port = (unsigned)number;
	return NULL;
}

static const char *parse_host(struct text host, struct relay *relay)
{
	bool bracketed = host.len && host.ptr[0] == '[';

	relay->host = without_brackets(host);
	if (bracketed)
		return address_of(relay->host).family == AF_INET6 ?
			       NULL :
			       "invalid IPv6 address in brackets";
	if (text_starts_with(host, TEXT("*."))) {
		relay->below = true;
		host = text_from(host, 2);
		relay->host = text_from(relay->host, 1);
	}
	if (host.len > 1 && host.ptr[host.len - 1] == '.') {
		host.len--;
		relay->host.len--;
	}
	if (!host.len)
		return "the host is missing";
	if (text_find(host, '*') >= 0)
		return "a * stands for whole labels at the front (*.corp.example), or alone";
	if (text_find(host, ':') >= 0)
		return "an IPv6 address must be in brackets";
	return name_ok(host) ? NULL : "invalid character in the host name";
}

static const char *parse(struct text pattern, struct relay *relay)
{
	const char *reason;

	if (text_eq(pattern, TEXT("*"))) {
		relay->everything = true;
		return NULL;
	}
	reason = parse_scheme(&pattern, relay);
	if (reason)
		return reason;
	if (pattern.len && pattern.ptr[pattern.len - 1] == '/')
		pattern.len--;
	if (text_find(pattern, '/') >= 0)
		return "a pattern is scheme, host and port; it has no path";
	if (text_find(pattern, '@') >= 0)
		return "a pattern has no user name";
	reason = parse_port(&pattern, relay);
	if (!reason)
		reason = parse_host(pattern, relay);
	if (!reason && !relay->http && !relay->https) {
		relay->https = true;
		relay->http = is_loopback_host(relay->host);
	}
	return reason;
}

int relay_parse(struct text pattern, struct relay *ret_relay, const char **ret_reason)
{
	struct relay relay = { 0 };
	const char *reason = parse(text_trim(pattern), &relay);

	if (reason) {
		*ret_reason = reason;
		return -EINVAL;
	}
	*ret_relay = relay;
	return 0;
}

static bool host_match(const struct relay *relay, struct text host)
{
	struct address wanted, actual;

	/* The leading dot is part of what is compared: "fakecorp.example" is not below. */
	if (relay->below)
		return host.len > relay->host.len && text_ends_with_nocase(host, relay->host);
	if (text_eq_nocase(host, relay->host))
		return true;
	wanted = address_of(relay->host);
	actual = address_of(host);
	return wanted.family && wanted.family == actual.family &&
	       !memcmp(wanted.bytes, actual.bytes, sizeof(wanted.bytes));
}

static bool port_match(const struct relay *relay, const struct url *url)
{
	unsigned own = is_https(url) ? 443 : 80;

	return relay->any_port || url->port == (relay->port ? relay->port : own);
}

bool relay_match(const struct relay *relay, const struct url *url)
{
	if (relay->everything)
		return is_http(url) || is_https(url);
	if (!(is_http(url) && relay->http) && !(is_https(url) && relay->https))
		return false;
	/* The same address in another zone is another machine's, and a pattern has no zone. */
	return !url->zoned && port_match(relay, url) &&
	       (host_match(relay, without_brackets(url->host)) ||
		host_match(relay, without_brackets(url->host_ascii)));
}

bool relay_is_loopback(const struct url *url)
{
	return (is_http(url) || is_https(url)) && is_loopback_host(without_brackets(url->host));
}
