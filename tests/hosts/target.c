// SPDX-License-Identifier: MIT
/* Requests that go elsewhere than the URL that was set, or set last, says. */
#include "host.h"

static CURL *easy;
static CURLU *handle;
static const char *mode, *relay, *other;

static int is(const char *name)
{
	return !strcmp(mode, name);
}

static long port(const char *base)
{
	return atol(strrchr(base, ':') + 1);
}

static CURLU *url_handle(const char *base, const char *path)
{
	CURLU *made = curl_url();

	curl_url_set(made, CURLUPART_URL, url(base, path), 0);
	return made;
}

/* After libcurl has read the URL, before the request. */
static int on_socket(void *arg, curl_socket_t socket, curlsocktype purpose)
{
	(void)arg, (void)socket, (void)purpose;
	if (is("url to the relay"))
		curl_easy_setopt(easy, CURLOPT_URL, url(relay, CHAT));
	else if (is("url from the relay"))
		curl_easy_setopt(easy, CURLOPT_URL, url(other, CHAT));
	else if (is("port to the relay"))
		curl_easy_setopt(easy, CURLOPT_PORT, port(relay));
	else if (is("handle freed") || is("handle freed, multi")) {
		curl_url_cleanup(handle);
		handle = NULL;
	} else if (is("handle changed to the relay"))
		curl_url_set(handle, CURLUPART_URL, url(relay, CHAT), 0);
	else if (is("handle changed from the relay"))
		curl_url_set(handle, CURLUPART_URL, url(other, CHAT), 0);
	else if (is("another handle"))
		curl_easy_setopt(easy, CURLOPT_CURLU, url_handle(relay, CHAT));
	return CURL_SOCKOPT_OK;
}

static void by_port(void)
{
	if (is("port of another"))
		easy = chat(url(relay, CHAT));
	else if (is("port of the relay"))
		easy = chat(url(other, CHAT));
	else if (is("port, redirect"))
		easy = chat(url("http://127.0.0.1", "/switch/redirect-307-other" CHAT));
	else if (is("port, relative redirect"))
		easy = chat(url("http://127.0.0.1:1", "/switch/redirect-307-same" CHAT));
	else
		easy = chat(url("http://127.0.0.1", CHAT));
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, strstr(mode, "redirect") ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_PORT, port(is("port of another") ? other : relay));
	if (is("port, copy"))
		easy = curl_easy_duphandle(easy);
	if (is("port, reset")) {
		curl_easy_reset(easy);
		curl_easy_setopt(easy, CURLOPT_URL, url(relay, CHAT));
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, BODY);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	}
	perform(easy);
}

static void by_handle(void)
{
	int digest = !strncmp(mode, "handle, auth", 12);
	int to_relay = !strstr(mode, "elsewhere") && !strstr(mode, "to the relay") && !is("handle changed to the relay");

	easy = chat(url(to_relay ? other : relay, "/switch/digest" CHAT));
	handle = url_handle(to_relay ? relay : other, digest ? "/switch/digest" CHAT : CHAT);
	if (is("handle, redirect"))
		curl_url_set(handle, CURLUPART_URL, url(relay, "/switch/redirect-307-other" CHAT), 0);
	curl_easy_setopt(easy, CURLOPT_CURLU, handle);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_USERPWD, "user:secret");
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_ANY);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	if (strstr(mode, "multi")) {
		CURLM *multi = curl_multi_init();

		if (strstr(mode, "alone"))
			curl_easy_setopt(easy, CURLOPT_URL, NULL);
		curl_multi_add_handle(multi, easy);
		if (strstr(mode, "edited"))
			curl_url_set(handle, CURLUPART_URL, url(to_relay ? other : relay, CHAT), 0);
		run_multi(multi);
		if (strstr(mode, "twice")) {
			curl_multi_remove_handle(multi, easy);
			curl_url_cleanup(handle); /* before it is added, and another one after that */
			curl_multi_add_handle(multi, easy);
			curl_easy_setopt(easy, CURLOPT_CURLU, url_handle(other, CHAT));
			run_multi(multi);
		}
		curl_multi_remove_handle(multi, easy);
		curl_multi_cleanup(multi);
	} else {
		perform(easy);
	}
}

static void after_add(void)
{
	int to_relay = is("added, then the relay");
	CURLM *multi = curl_multi_init();

	easy = chat(url(to_relay ? other : relay, CHAT));
	curl_multi_add_handle(multi, easy);
	if (is("added, then GET"))
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	else if (is("added, then a redirect")) {
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
		curl_easy_setopt(easy, CURLOPT_URL, url(relay, "/switch/redirect-307-other" CHAT));
	} else if (is("added, then another port"))
		curl_easy_setopt(easy, CURLOPT_PORT, port(other));
	else
		curl_easy_setopt(easy, CURLOPT_URL, url(to_relay ? relay : other, CHAT));
	run_multi(multi);
	curl_multi_remove_handle(multi, easy);
	curl_multi_cleanup(multi);
}

int main(int argc, char **argv)
{
	mode = argv[1], relay = argv[2], other = argv[3];
	if (argc != 4)
		return 2;
	if (!strncmp(mode, "port,", 5) || !strncmp(mode, "port of", 7)) {
		by_port();
	} else if (strstr(mode, "handle") == mode || is("another handle")) {
		by_handle();
	} else if (!strncmp(mode, "added", 5)) {
		after_add();
	} else if (!strncmp(mode, "target", 6)) {
		easy = chat(url(relay, is("target in place of a chat") ? CHAT : "/v1/models"));
		curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET,
				 is("target in place of a chat") ? "/v1/models" :
				 is("target, whole URL") ? url(relay, CHAT) : CHAT "?x=1");
		perform(easy);
	} else if (!strncmp(mode, "follow", 6)) {
		int first = !strncmp(mode, "follow first", 12);

		easy = chat(url(relay, strstr(mode, "303") ? "/switch/redirect-303-same" CHAT :
							     "/switch/redirect-308-same" CHAT));
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, strstr(mode, "PUT") ? "PUT" : "POST");
		if (strstr(mode, "no body"))
			curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, first ? 3L : 2L);
		perform(easy);
	} else if (is("referer")) {
		easy = chat(url(relay, CHAT));
		curl_easy_setopt(easy, CURLOPT_REFERER, "http://mine/");
		perform(easy);
		curl_easy_setopt(easy, CURLOPT_REFERER, NULL);
		perform(easy);
	} else if (is("underscore")) {
		easy = chat(url(relay, CHAT));
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, curl_slist_append(NULL, "X_task-ID: mine"));
		perform(easy);
	} else {
		easy = chat(url(is("url from the relay") ? relay : other, CHAT));
		curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
		perform(easy);
		if (is("url to the relay"))
			perform(easy); /* now it is the URL */
	}
	curl_easy_cleanup(easy);
	return 0;
}
