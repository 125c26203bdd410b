// SPDX-License-Identifier: MIT
/* URLs are never parsed by hand: userinfo, numeric and encoded hosts, missing slashes and missing
 * schemes are read the way the library in use reads them, or a header could go to a host that only
 * looks like the one that was named. */
#include "core/url.h"

#include <errno.h>

#include "lib/buf.h"

/* What libcurl itself uses when it parses CURLOPT_URL; a scheme that it lacks is no error here. */
#define PARSE_FLAGS (CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME)

/* Since 7.88.0; an older library ignores the bit and gives the name as it is. */
#ifndef CURLU_PUNYCODE
#define CURLU_PUNYCODE (1 << 12)
#endif

enum { SCHEME, HOST, HOST_ASCII, PATH, PORT };

/* A longer URL is parsed each time. */
#define CACHE_BYTES 1024

/* The cache holds one URL, the last that was parsed, with its parts, because a client sends to
 * the same one again and again. `busy` is its lock, and nobody waits for it: a thread that finds
 * it set parses its URL itself, and so does everybody in a child that was forked in such a
 * moment. A hit stays locked, as its parts lie in the cache, until url_release. An entry counts
 * for one api and one generation: url_cache_invalidate begins a new one, also while somebody is
 * parsing. */
static struct {
	bool busy;
	unsigned generation;
	const struct url_api *api; /* NULL: no entry */
	struct url url; /* its texts lie in memory */
	char memory[CACHE_BYTES]; /* the whole URL, NUL-terminated, then its parts */
} cache;

static unsigned generation;

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
	char *zone = NULL;

	if (!get(api, handle, CURLUPART_SCHEME, 0, &url->owned[SCHEME], &url->scheme) ||
	    !get(api, handle, CURLUPART_HOST, 0, &url->owned[HOST], &url->host) ||
	    !get(api, handle, CURLUPART_PATH, 0, &url->owned[PATH], &url->path))
		return false;
	/* A scheme that this libcurl lacks has no port of its own. */
	if (get(api, handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, &url->owned[PORT], &port) &&
	    !text_number(port, 65535, &number))
		return false;
	url->port = (unsigned)number;
	if (url->host.ptr[0] == '[' && api->get(handle, CURLUPART_ZONEID, &zone, 0) == CURLUE_OK &&
	    zone) {
		url->zoned = true;
		api->free(zone);
	}
	url->host_ascii = url->host;
	if (has_non_ascii(url->host))
		get(api, handle, CURLUPART_HOST, CURLU_PUNYCODE, &url->owned[HOST_ASCII],
		    &url->host_ascii);
	drop_trailing_dot(&url->host);
	drop_trailing_dot(&url->host_ascii);
	return true;
}

static bool cache_lock(void)
{
	return !__atomic_exchange_n(&cache.busy, true, __ATOMIC_ACQUIRE);
}

static void cache_unlock(void)
{
	__atomic_store_n(&cache.busy, false, __ATOMIC_RELEASE);
}

/* True for a hit, which is locked. */
static bool cache_get(const struct url_api *api, const char *text, struct url *ret_url)
{
	if (!cache_lock())
		return false;
	if (cache.api == api &&
	    cache.generation == __atomic_load_n(&generation, __ATOMIC_ACQUIRE) &&
	    !strcmp(cache.memory, text)) {
		*ret_url = cache.url;
		return true;
	}
	cache_unlock();
	return false;
}

static struct text copy_into(struct buf *buf, struct text text)
{
	size_t start = buf->len;

	buf_add(buf, text);
	return buf_since(buf, start);
}

static void cache_put(const struct url_api *api, const char *text, const struct url *url,
		      unsigned since)
{
	struct buf buf;

	/* A password or a key in it would outlive the host's own copy. */
	if (text[strcspn(text, "?@")] || !cache_lock())
		return;
	buf_init(&buf, cache.memory, sizeof(cache.memory));
	buf_add(&buf, text_of(text));
	buf_char(&buf, '\0');
	cache.url = (struct url){
		.scheme = copy_into(&buf, url->scheme),
		.host = copy_into(&buf, url->host),
		.host_ascii = copy_into(&buf, url->host_ascii),
		.path = copy_into(&buf, url->path),
		.port = url->port,
		.zoned = url->zoned,
		.cached = true,
	};
	cache.api = buf.full ? NULL : api;
	cache.generation = since;
	cache_unlock();
}

void url_cache_invalidate(void)
{
	__atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
}

unsigned url_cache_generation(void)
{
	return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

static void free_parts(const struct url_api *api, struct url *url)
{
	for (size_t i = 0; i < sizeof(url->owned) / sizeof(url->owned[0]); i++) {
		if (url->owned[i])
			api->free(url->owned[i]);
		url->owned[i] = NULL;
	}
}

static int parse(const struct url_api *api, const char *text, struct url *ret_url)
{
	struct url url = { .port = 0 };
	bool complete = false;
	CURLU *handle;

	handle = api->url();
	if (!handle)
		return -ENOMEM;
	if (api->set(handle, CURLUPART_URL, text, PARSE_FLAGS) == CURLUE_OK)
		complete = get_all(api, handle, &url);
	api->cleanup(handle);
	if (!complete) {
		free_parts(api, &url);
		return -EINVAL;
	}
	*ret_url = url;
	return 0;
}

#define HOST_BYTES_MAX 255 /* of a DNS name */
#define PORT_BYTES_MAX 5

/* A name or an IPv4 address; an IPv6 address stands in brackets. */
static bool host_ok(struct text host)
{
	bool bracketed;

	if (!host.ptr || !host.len || host.len > HOST_BYTES_MAX)
		return false;
	bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	for (size_t i = bracketed; i < host.len - bracketed; i++) {
		char c = host.ptr[i];

		if (!ascii_is_alnum(c) && c != '.' &&
		    !(bracketed ? c == ':' : c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* Exactly scheme://host[:port]/path[?query] and nothing else, so that there is nothing to
 * interpret. */
static int split(const char *text, struct url *ret_url)
{
	struct url url = { .scheme = TEXT("http"), .port = 80 };
	struct text rest = text_of(text), port;
	unsigned long number;
	ptrdiff_t end;

	for (size_t i = 0; i < rest.len; i++) {
		if ((unsigned char)rest.ptr[i] <= ' ' || rest.ptr[i] == 0x7F || rest.ptr[i] == '#')
			return -EINVAL;
	}
	if (text_starts_with(rest, TEXT("https://"))) {
		url.scheme = TEXT("https");
		url.port = 443;
	} else if (!text_starts_with(rest, TEXT("http://"))) {
		return -EINVAL;
	}
	rest = text_from(rest, url.scheme.len + strlen("://"));
	end = text_find(rest, '/');
	if (end < 0)
		return -EINVAL;
	url.host = (struct text){ rest.ptr, (size_t)end };
	url.path = text_from(rest, (size_t)end);
	end = text_find(url.path, '?');
	if (end >= 0)
		url.path.len = (size_t)end;
	end = text_find_last(url.host, ':');
	if (end >= 0 && end > text_find_last(url.host, ']')) {
		port = text_from(url.host, (size_t)end + 1);
		url.host.len = (size_t)end;
		if (port.len > PORT_BYTES_MAX || !text_number(port, 65535, &number) || !number)
			return -EINVAL;
		url.port = (unsigned)number;
	}
	if (!host_ok(url.host))
		return -EINVAL;
	drop_trailing_dot(&url.host);
	url.host_ascii = url.host;
	*ret_url = url;
	return 0;
}

int url_parse(const struct url_api *api, const char *text, struct url *ret_url)
{
	unsigned since;
	int result;

	if (!api)
		return split(text, ret_url);
	if (cache_get(api, text, ret_url))
		return 0;
	since = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
	result = parse(api, text, ret_url);
	if (!result)
		cache_put(api, text, ret_url, since);
	return result;
}

void url_release(const struct url_api *api, struct url *url)
{
	if (url->cached)
		cache_unlock();
	else
		free_parts(api, url);
	url->cached = false;
}
