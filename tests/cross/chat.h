/* SPDX-License-Identifier: MIT */
/* One chat request with an option of every type, by functions that were found in whatever way. */
#ifndef TAGALONG_TESTS_CROSS_CHAT_H
#define TAGALONG_TESTS_CROSS_CHAT_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>

struct api {
	CURL *(*init)(void);
	CURLcode (*setopt)(CURL *, CURLoption, ...);
	CURLcode (*perform)(CURL *);
	void (*cleanup)(CURL *);
};

static size_t on_write(char *data, size_t size, size_t count, void *stream)
{
	return fwrite(data, size, count, stream);
}

static void chat(const struct api *api)
{
	struct curl_slist own = { "X-Own: 1", NULL };
	CURL *easy = api->init();

	api->setopt(easy, CURLOPT_URL, "http://localhost/v1/chat/completions");
	api->setopt(easy, CURLOPT_HTTPHEADER, &own);
	api->setopt(easy, CURLOPT_USERAGENT, "cross");
	api->setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	api->setopt(easy, CURLOPT_WRITEDATA, stdout);
	api->setopt(easy, CURLOPT_POST, 1); /* an int, as many clients pass for a long */
	api->setopt(easy, CURLOPT_TIMEOUT_MS, LONG_MAX);
	api->setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)5 << 30);
	/* Options of a future libcurl, one in a type band that there is not yet. */
	printf("unknown %d\n", (int)api->setopt(easy, (CURLoption)329, LONG_MIN));
	printf("unknown %d\n", (int)api->setopt(easy, (CURLoption)50001, LONG_MAX));
	printf("perform %d\n", (int)api->perform(easy));
	api->cleanup(easy);
}

#endif
