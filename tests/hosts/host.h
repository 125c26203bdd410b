/* SPDX-License-Identifier: MIT */
/* What the small hosts of this folder share. argv[1] is the mode, argv[2] the relay's base URL, argv[3]
 * that of another server. */
#ifndef HOST_H
#define HOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define CURL_DISABLE_DEPRECATION
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CHAT "/v1/chat/completions"
#define BODY "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

static inline char *url(const char *base, const char *path)
{
	char *text;

	if (asprintf(&text, "%s%s", base, path) < 0)
		abort();
	return text;
}

/* Waits for a child, and prints how it ended. */
static inline void show_end(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, __WALL);
	printf("child %x\n", status);
	fflush(stdout);
}

static inline size_t discard(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	return size * count;
}

static inline CURL *chat(const char *address)
{
	CURL *easy = curl_easy_init();

	if (!easy) {
		puts("no handle");
		exit(3);
	}
	curl_easy_setopt(easy, CURLOPT_URL, address);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, BODY);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 20L);
	return easy;
}

static inline CURLcode perform(CURL *easy)
{
	CURLcode code = curl_easy_perform(easy);
	long response = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response);
	printf("%d %ld\n", (int)code, response);
	fflush(stdout);
	return code;
}

/* One handle in a multi, to its end. */
static inline void run_multi(CURLM *multi)
{
	int running = 1, queued;
	CURLMsg *message;

	while (curl_multi_perform(multi, &running) == CURLM_OK && running)
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	while ((message = curl_multi_info_read(multi, &queued)))
		printf("done %d\n", (int)message->data.result);
}

#endif
