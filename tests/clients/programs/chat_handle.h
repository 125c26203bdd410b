/* SPDX-License-Identifier: MIT */
/*
 * Put in front of libcurl4-doc's examples, which only GET, so that what they make are handles with
 * a chat request. Their event loops stay as they are.
 */
#include <curl/curl.h>

static CURL *chat_handle(void)
{
	static struct curl_slist *own;
	CURL *easy = curl_easy_init();

	if (!own) {
		own = curl_slist_append(own, "Authorization: Bearer sk-test");
		own = curl_slist_append(own, "Content-Type: application/json");
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, own);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
	return easy;
}

#define curl_easy_init chat_handle
