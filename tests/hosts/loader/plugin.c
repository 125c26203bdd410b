// SPDX-License-Identifier: MIT
/* Linked with a libcurl: uses it, hands its functions on, or wraps each in a tail call. A plugin, and what a
 * host is linked with. With -DINSIDE it has a libcurl of its own in it. */
#ifdef INSIDE
#include "libcurl.c"
#endif
#include "user.h"

#define LINKED_FUNCTION(name) .name = name,

#ifdef WRAPPER
#define NAME(name) wrapper_##name
#else
#define NAME(name) plugin_##name
#endif

void NAME(use)(void);
const struct functions *NAME(functions)(void);
const struct functions *NAME(tails)(void);
const char *NAME(symbol)(void);

void NAME(use)(void)
{
	const struct functions functions = { CURL_FUNCTIONS(LINKED_FUNCTION) };

	use(&functions);
}

const struct functions *NAME(functions)(void)
{
	static struct functions functions;

	functions = (struct functions){ CURL_FUNCTIONS(LINKED_FUNCTION) };
	return &functions;
}

/* At -O2 these are jumps: the return address is the caller's. */
static CURL *tail_init(void)
{
	return curl_easy_init();
}

static CURLcode tail_setopt(CURL *easy, CURLoption option, void *argument)
{
	return curl_easy_setopt(easy, option, argument);
}

static CURLcode tail_perform(CURL *easy)
{
	return curl_easy_perform(easy);
}

static CURL *tail_duphandle(CURL *easy)
{
	return curl_easy_duphandle(easy);
}

static void tail_reset(CURL *easy)
{
	curl_easy_reset(easy);
}

static void tail_cleanup(CURL *easy)
{
	curl_easy_cleanup(easy);
}

static CURLMcode tail_add(CURLM *multi, CURL *easy)
{
	return curl_multi_add_handle(multi, easy);
}

static CURLMcode tail_remove(CURLM *multi, CURL *easy)
{
	return curl_multi_remove_handle(multi, easy);
}

static CURLMcode tail_multi_cleanup(CURLM *multi)
{
	return curl_multi_cleanup(multi);
}

const struct functions *NAME(tails)(void)
{
	static struct functions functions;

	functions = (struct functions){
		tail_init,     (__typeof__(&curl_easy_setopt))(void *)tail_setopt,
		tail_perform,  curl_easy_getinfo,
		tail_duphandle, tail_reset,
		tail_cleanup,  curl_multi_init,
		tail_add,      tail_remove,
		tail_multi_cleanup,
	};
	return &functions;
}

/* A function that the host has, too. */
const char *which(void);
__attribute__((visibility("default"))) const char *which(void)
{
	return "the plugin's";
}

const char *NAME(symbol)(void)
{
	return which();
}
