// SPDX-License-Identifier: MIT
/* A libcurl that needs nothing but libc, and says what it was asked to do. */
#include <stdarg.h>
#include <stdio.h>

static int handle;

void *curl_easy_init(void)
{
	return &handle;
}

int curl_easy_setopt(void *easy, int option, ...)
{
	printf("%s %d\n", easy == &handle ? "setopt" : "another's setopt", option);
	return 0;
}

int curl_easy_perform(void *easy)
{
	puts(easy == &handle ? "perform" : "another's perform");
	return 7;
}

int curl_easy_getinfo(void *easy, int info, ...)
{
	return 48; /* CURLE_UNKNOWN_OPTION */
}

void curl_easy_cleanup(void *easy)
{
	puts(easy == &handle ? "cleanup" : "another's cleanup");
}

void *curl_slist_append(void *list, const char *line)
{
	return list ? list : (void *)line;
}

void curl_slist_free_all(void *list)
{
}
