/* SPDX-License-Identifier: MIT */
/* A user of libcurl: calls each function once, by link or by name, and says what it is told. */
#ifndef HOSTS_LOADER_USER_H
#define HOSTS_LOADER_USER_H

#define _GNU_SOURCE
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define CURL_FUNCTIONS(X)                                                                          \
	X(curl_easy_init) X(curl_easy_setopt) X(curl_easy_perform) X(curl_easy_getinfo)            \
	X(curl_easy_duphandle) X(curl_easy_reset) X(curl_easy_cleanup) X(curl_multi_init)          \
	X(curl_multi_add_handle) X(curl_multi_remove_handle) X(curl_multi_cleanup)
struct functions {
#define MEMBER(name) __typeof__(name) *name;
	CURL_FUNCTIONS(MEMBER)
#undef MEMBER
};

static __attribute__((unused)) void use(const struct functions *curl)
{
	CURLM *multi = curl->curl_multi_init();
	CURL *easy = curl->curl_easy_init(), *copy;
	long status = 0;

	curl->curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1:1/v1/chat/completions");
	curl->curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
	copy = curl->curl_easy_duphandle(easy);
	printf("perform: %d\n", (int)curl->curl_easy_perform(easy));
	curl->curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	printf("status: %ld\n", status);
	printf("add: %d\n", (int)curl->curl_multi_add_handle(multi, copy));
	printf("remove: %d\n", (int)curl->curl_multi_remove_handle(multi, copy));
	curl->curl_easy_reset(easy);
	curl->curl_easy_cleanup(copy);
	curl->curl_easy_cleanup(easy);
	printf("cleanup: %d\n", (int)curl->curl_multi_cleanup(multi));
}

#endif
