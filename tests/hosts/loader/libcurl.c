// SPDX-License-Identifier: MIT
/*
 * A made-up libcurl of the flavour FLAVOUR: it sends nothing, says which of its functions is called, and
 * knows a handle that another one has made, which in real life is a crash. What only a preload calls
 * is not said. Linked with and without -Bsymbolic, a version and a build id (test_loader.py).
 */
#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct made {
	const char *by;
	const char *kind;
};

static void say(const char *function)
{
	printf("%s: %s\n", FLAVOUR, function);
	fflush(stdout);
}

static void *make(const char *kind)
{
	struct made *made = malloc(sizeof(*made));

	*made = (struct made){ FLAVOUR, kind };
	return made;
}

static void check(const void *handle, const char *function)
{
	const struct made *made = handle;

	say(function);
	if (strcmp(made->by, FLAVOUR)) {
		printf("%s: %s of %s's handle\n", FLAVOUR, function, made->by);
		fflush(stdout);
		abort();
	}
}

CURL *curl_easy_init(void)
{
	say("init");
	return make("easy");
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	if (option == CURLOPT_URL || option == CURLOPT_POSTFIELDS)
		check(easy, "setopt");
	return CURLE_OK;
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list list;

	va_start(list, info);
	if (info == CURLINFO_RESPONSE_CODE) {
		check(easy, "getinfo");
		*va_arg(list, long *) = 200;
	} else {
		*va_arg(list, char **) = NULL;
	}
	va_end(list);
	return CURLE_OK;
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	check(multi, "multi_add_handle");
	check(easy, "multi_add_handle");
	return CURLM_OK;
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	check(multi, "multi_remove_handle");
	check(easy, "multi_remove_handle");
	return CURLM_OK;
}

CURLMcode curl_multi_timeout(CURLM *multi, long *ret_ms)
{
	*ret_ms = -1;
	return CURLM_OK;
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
	check(multi, "multi_cleanup");
	free(multi);
	return CURLM_OK;
}

CURLM *curl_multi_init(void)
{
	say("multi_init");
	return make("multi");
}

/* By inner calls, as the real one does. */
CURLcode curl_easy_perform(CURL *easy)
{
	CURLM *multi = curl_multi_init();
	CURL *inner = curl_easy_init();

	check(easy, "perform");
	curl_multi_add_handle(multi, easy);
	curl_multi_remove_handle(multi, easy);
	curl_multi_cleanup(multi);
	curl_easy_cleanup(inner);
	return CURLE_OK;
}

CURL *curl_easy_duphandle(CURL *easy)
{
	check(easy, "duphandle");
	return make("easy");
}

void curl_easy_reset(CURL *easy)
{
	check(easy, "reset");
}

void curl_easy_cleanup(CURL *easy)
{
	check(easy, "cleanup");
	free(easy);
}

CURLU *curl_url(void)
{
	return NULL;
}

void curl_url_cleanup(CURLU *url)
{
	(void)url;
}

CURLUcode curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags)
{
	(void)url, (void)part, (void)text, (void)flags;
	return CURLUE_OUT_OF_MEMORY;
}

/* Newer headers have it const. */
CURLUcode get_part(const CURLU *url, CURLUPart part, char **text, unsigned int flags)
	__asm__("curl_url_get");

CURLUcode get_part(const CURLU *url, CURLUPart part, char **text, unsigned int flags)
{
	(void)url, (void)part, (void)text, (void)flags;
	return CURLUE_OUT_OF_MEMORY;
}

void curl_free(void *memory)
{
	free(memory);
}
