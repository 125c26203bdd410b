// SPDX-License-Identifier: MIT
/* Sends a request; built with MODULE, when iconv has loaded it. What else it needs than libcurl, libcurl
 * brings. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

int send_to(const char *url)
{
	struct curl_slist *lines = curl_slist_append(NULL, "X-Own: 1");
	CURL *easy = curl_easy_init();
	int result;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
	result = curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	curl_slist_free_all(lines);
	return result;
}

#ifdef MODULE
/* iconv's two. */
int gconv_init(void *step)
{
	printf("\n%d from a module\n", send_to(getenv("URL")));
	return 1; /* __GCONV_NOCONV */
}

int gconv(void)
{
	return 1;
}
#endif
