// SPDX-License-Identifier: MIT
/*
 * The measured host program; it knows nothing of the shim. Prints nanoseconds for one of
 *   calls setopt N        curl_easy_setopt, an option that nobody looks at
 *   calls setopt2 N       the same in turns on handles of two libcurls
 *   calls foreign N       the same on a handle that was made by the libcurl itself, found by name
 *   calls headers N       curl_easy_setopt(CURLOPT_HTTPHEADER)
 *   calls init N          curl_easy_init and curl_easy_cleanup
 *   calls post N URL      chat requests on one kept-alive connection, one client header
 *   calls spawn N         posix_spawn of /bin/true with LD_PRELOAD from $SPAWN_PRELOAD
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define LIBCURL "libcurl.so.4" /* what this program is linked with */
#define OTHER_LIBCURL "libcurl-gnutls.so.4"

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static size_t swallow(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	return size * count;
}

static void set_options(CURL *easy, long times)
{
	for (long i = 0; i < times; i++)
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, i & 1023);
}

typedef CURLcode setopt_function(CURL *easy, CURLoption option, ...);

/* A function of another libcurl than the one that this program is linked with, or of that one again. */
static void *function_of(const char *library, const char *name)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void *function = handle ? dlsym(handle, name) : NULL;

	if (!function)
		exit(3);
	return function;
}

static CURL *handle_of(const char *library)
{
	return ((CURL * (*)(void)) function_of(library, "curl_easy_init"))();
}

static void set_options_of_two(CURL *easy, CURL *other, long times)
{
	setopt_function *set = (setopt_function *)function_of(OTHER_LIBCURL, "curl_easy_setopt");

	for (long i = 0; i < times; i += 2) {
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, i & 1023);
		set(other, CURLOPT_TIMEOUT_MS, i & 1023);
	}
}

static void set_headers(CURL *easy, long times)
{
	struct curl_slist *list = curl_slist_append(NULL, "X-Own: 1");

	for (long i = 0; i < times; i++)
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_slist_free_all(list);
}

static void make_handles(long times)
{
	for (long i = 0; i < times; i++)
		curl_easy_cleanup(curl_easy_init());
}

/* With OWN_HEADERS set: the six lines that the shim would add, sent by the client itself. */
static struct curl_slist *add_own_headers(struct curl_slist *list)
{
	static const char *const lines[] = {
		"X-Task-Id: T-42",
		"X-Conversation-Id: c-7f3a91",
		"X-Session-Id: c-7f3a91",
		"X-Project-Id: billing",
		"X-Request-Id: 01a20c81-625b-7aee-89b0-785f41983e09",
		"traceparent: 00-7eb31299dc38c34d9de68ffd7da0ce4a-3a1193ac721b31fe-02",
	};

	for (size_t i = 0; getenv("OWN_HEADERS") && i < sizeof(lines) / sizeof(lines[0]); i++)
		list = curl_slist_append(list, lines[i]);
	return list;
}

static void send_posts(CURL *easy, long times, const char *url)
{
	struct curl_slist *list =
		add_own_headers(curl_slist_append(NULL, "Authorization: Bearer sk-bench"));

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{\"model\":\"m\",\"messages\":[]}");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	for (long i = 0; i < times; i++) {
		if (curl_easy_perform(easy) != CURLE_OK)
			exit(1);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
}

static void spawn(long times)
{
	const char *preload = getenv("SPAWN_PRELOAD");
	char variable[4096] = "";
	char *const environment[] = { variable, NULL }, *const command[] = { "/bin/true", NULL };

	if (preload && preload[0])
		snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", preload);
	for (long i = 0; i < times; i++) {
		pid_t pid;

		if (posix_spawn(&pid, command[0], NULL, NULL, command, environment) ||
		    waitpid(pid, NULL, 0) != pid)
			exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	long times = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	CURL *easy = curl_easy_init(), *other = NULL;
	double start;

	if (!strcmp(what, "post") && argc > 3)
		send_posts(easy, 20, argv[3]); /* connect, warm up */
	if (!strcmp(what, "setopt2"))
		other = handle_of(OTHER_LIBCURL);
	if (!strcmp(what, "foreign"))
		other = handle_of(LIBCURL);
	start = now_ns();
	if (!strcmp(what, "setopt"))
		set_options(easy, times);
	else if (!strcmp(what, "setopt2"))
		set_options_of_two(easy, other, times);
	else if (!strcmp(what, "foreign"))
		set_options(other, times);
	else if (!strcmp(what, "headers"))
		set_headers(easy, times);
	else if (!strcmp(what, "init"))
		make_handles(times);
	else if (!strcmp(what, "post") && argc > 3)
		send_posts(easy, times, argv[3]);
	else if (!strcmp(what, "spawn"))
		spawn(times);
	else
		return 2;
	printf("%.2f\n", (now_ns() - start) / (double)times);
	curl_easy_cleanup(easy);
	return 0;
}
