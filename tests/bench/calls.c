// SPDX-License-Identifier: MIT
/*
 * The measured host program; it knows nothing of the shim. Prints nanoseconds for one of (the mean,
 * and of requests and processes also the median)
 *   calls setopt N        curl_easy_setopt, an option that nobody looks at
 *   calls setopt2 N       the same in turns on handles of two libcurls
 *   calls foreign N       the same on a handle that was made by the libcurl itself, found by name
 *   calls headers N       curl_easy_setopt(CURLOPT_HTTPHEADER)
 *   calls init N          curl_easy_init and curl_easy_cleanup
 *   calls dlsym N         dlsym(RTLD_DEFAULT) of libcurl's functions
 *   calls post N URL [BYTES]   chat requests on one kept-alive connection, one client header; over
 *                         HTTP/2 where the URL is https. Those before that the relay's X-Saw has to
 *                         say what $EXPECT says of them; with $OWN_HEADERS, six more client headers
 *   calls spawn N COMMAND...   posix_spawn of it, with LD_PRELOAD from $SPAWN_PRELOAD
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBCURL "libcurl.so.4" /* what this program is linked with */
#define OTHER_LIBCURL "libcurl-gnutls.so.4"

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One sample for each of many; what they come to. */
struct samples {
	double *ns;
	long count;
};

static void take_sample(struct samples *samples, double start)
{
	samples->ns[samples->count++] = now_ns() - start;
}

static int by_size(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return difference < 0 ? -1 : difference > 0;
}

static double median_of(struct samples *samples)
{
	qsort(samples->ns, (size_t)samples->count, sizeof(*samples->ns), by_size);
	return samples->count ? samples->ns[samples->count / 2] : 0;
}

static size_t swallow(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	return size * count;
}

static void set_options(CURL *easy, long times)
{
	for (long i = 0; i < times; i++)
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, i & 1023);
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
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, i & 1023);
		set(other, CURLOPT_LOW_SPEED_LIMIT, i & 1023);
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
static void ask_for_names(long times)
{
	static const char *const names[] = { "curl_easy_init", "curl_easy_setopt", "curl_easy_perform",
					     "curl_easy_cleanup" };

	for (long i = 0; i < times; i++) {
		if (!dlsym(RTLD_DEFAULT, names[i & 3]))
			exit(3);
	}
}

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

/* "{...}" of at least so many bytes. */
static char *make_body(long bytes)
{
	static const char start[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"", end[] = "\"}]}";
	size_t most = sizeof(start) + sizeof(end), filler = bytes > (long)most ? (size_t)bytes - most : 0;
	char *body = malloc(most + filler);

	if (!body)
		exit(3);
	memset(body, 'x', most + filler);
	memcpy(body, start, sizeof(start) - 1);
	memcpy(body + sizeof(start) - 1 + filler, end, sizeof(end));
	return body;
}

static size_t read_header(char *line, size_t size, size_t count, void *arg)
{
	static const char name[] = "X-Saw: ";
	bool *seen = arg;
	const char *expected = getenv("EXPECT");

	if (size * count > sizeof(name) && !strncasecmp(line, name, sizeof(name) - 1) && expected)
		*seen = !strncmp(line + sizeof(name) - 1, expected, strlen(expected));
	return size * count;
}

/* Connects and warms up, and finds out whether the requests are what they are to be. */
static void check_posts(CURL *easy)
{
	bool seen = !getenv("EXPECT");

	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, &seen);
	for (int i = 0; i < 20; i++) {
		if (curl_easy_perform(easy) != CURLE_OK || !seen)
			exit(1);
	}
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, NULL);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
}

static void check_version(CURL *easy, const char *url)
{
	long version = 0, code = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
	if (code != 200 || (version == CURL_HTTP_VERSION_2_0) != !strncmp(url, "https", 5))
		exit(1);
}

static void send_posts(CURL *easy, const char *url, long bytes, struct samples *samples, long times)
{
	struct curl_slist *list =
		add_own_headers(curl_slist_append(NULL, "Authorization: Bearer sk-bench"));
	char *body = make_body(bytes);

	list = curl_slist_append(list, "Expect:"); /* as the SDKs do for long bodies */
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L); /* a certificate made for the moment */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	check_posts(easy);
	check_version(easy, url);
	for (long i = 0; i < times; i++) {
		double start = now_ns();

		if (curl_easy_perform(easy) != CURLE_OK)
			exit(1);
		take_sample(samples, start);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	free(body);
}

/* The whole environment with one more variable, or without it. */
static char **environment_with(char *variable)
{
	size_t count = 0;
	char **all;

	while (environ[count])
		count++;
	all = calloc(count + 2, sizeof(*all));
	if (!all)
		exit(3);
	memcpy(all, environ, count * sizeof(*all));
	if (variable[0])
		all[count] = variable;
	return all;
}

static void spawn(char **command, struct samples *samples, long times)
{
	const char *preload = getenv("SPAWN_PRELOAD");
	char variable[4096] = "", **environment;

	if (preload && preload[0])
		snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", preload);
	environment = environment_with(variable);
	for (long i = 0; i < times; i++) {
		double start = now_ns();
		posix_spawn_file_actions_t actions;
		int status;
		pid_t pid;

		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		if (posix_spawn(&pid, command[0], &actions, NULL, command, environment) ||
		    waitpid(pid, &status, 0) != pid || status)
			exit(1);
		posix_spawn_file_actions_destroy(&actions);
		take_sample(samples, start);
	}
	free(environment);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	long times = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	CURL *easy = curl_easy_init(), *other = NULL;
	struct samples samples = { .count = 0 };
	double start;

	samples.ns = calloc((size_t)times + 1, sizeof(*samples.ns));
	if (!samples.ns)
		return 3;
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
	else if (!strcmp(what, "dlsym"))
		ask_for_names(times);
	else if (!strcmp(what, "init"))
		make_handles(times);
	else if (!strcmp(what, "post") && argc > 3)
		send_posts(easy, argv[3], argc > 4 ? strtol(argv[4], NULL, 10) : 0, &samples, times);
	else if (!strcmp(what, "spawn") && argc > 3)
		spawn(argv + 3, &samples, times);
	else
		return 2;
	if (samples.count) {
		double sum = 0;

		for (long i = 0; i < samples.count; i++)
			sum += samples.ns[i];
		printf("%.2f %.2f\n", sum / (double)samples.count, median_of(&samples));
	} else {
		printf("%.2f\n", (now_ns() - start) / (double)times);
	}
	free(samples.ns);
	curl_easy_cleanup(easy);
	return 0;
}
