// SPDX-License-Identifier: MIT
/*
 * The measured host program; it knows nothing of the shim. Prints nanoseconds for one of (the mean,
 * and of requests and processes also the median, and the mean of the processor's time)
 *   calls setopt N        curl_easy_setopt, an option that nobody looks at
 *   calls setopt2 N       the same in turns on handles of two libcurls
 *   calls foreign N       the same on a handle that was made by the libcurl itself, found by name
 *   calls headers N       curl_easy_setopt(CURLOPT_HTTPHEADER)
 *   calls init N          curl_easy_init and curl_easy_cleanup
 *   calls dlsym N         dlsym(RTLD_DEFAULT) of libcurl's functions
 *   calls post N URL [BYTES]   chat requests on one kept-alive connection, one client header; over
 *                         HTTP/2 where the URL is https. Those before that the relay's X-Saw has to
 *                         say what $EXPECT says of them. With $OWN_HEADERS, six more client headers,
 *                         which where that is "fresh" the client makes anew for each request, as we
 *                         do. With $COLD, other memory fills the caches before each request
 *   calls first 1 URL     the first request of a process, connecting included
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
#include <sys/resource.h>
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
	double *ns, cpu_ns;
	long count;
};

/* Of this process, and of those that it has waited for. */
static double now_cpu_ns(void)
{
	struct timespec own;
	struct rusage children;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)(own.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1e9 +
	       (double)own.tv_nsec +
	       (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1e3;
}

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

static void ask_for_names(long times)
{
	static const char *const names[] = { "curl_easy_init", "curl_easy_setopt", "curl_easy_perform",
					     "curl_easy_cleanup" };

	for (long i = 0; i < times; i++) {
		if (!dlsym(RTLD_DEFAULT, names[i & 3]))
			exit(3);
	}
}

/* The client's header, and with OWN_HEADERS the six lines that the shim would add. */
static struct curl_slist *make_headers(void)
{
	struct curl_slist *list = curl_slist_append(NULL, "Authorization: Bearer sk-bench");
	char request[64], trace[80];

	list = curl_slist_append(list, "Expect:"); /* as the SDKs do for long bodies */
	if (!getenv("OWN_HEADERS"))
		return list;
	snprintf(request, sizeof(request), "X-Request-Id: 01a20c81-%04lx-7aee-89b0-7%03lx41983e09",
		 random() & 0xFFFF, random() & 0xFFF);
	snprintf(trace, sizeof(trace), "traceparent: 00-7eb31299dc38c34d9de68ffd7da0ce4a-%08lx%08lx-02",
		 random(), random());
	list = curl_slist_append(list, "X-Task-Id: T-42");
	list = curl_slist_append(list, "X-Conversation-Id: c-7f3a91");
	list = curl_slist_append(list, "X-Session-Id: c-7f3a91");
	list = curl_slist_append(list, "X-Project-Id: billing");
	list = curl_slist_append(list, request);
	return curl_slist_append(list, trace);
}

/* Four times the second cache, and at least 4 MiB: that has code and data of all. */
static void fill_caches(void)
{
	static volatile char *memory;
	static size_t size;

	if (!memory) {
		size = (size_t)sysconf(_SC_LEVEL2_CACHE_SIZE) * 4;
		size = size > 4 << 20 && size < 64 << 20 ? size : 4 << 20;
		memory = malloc(size);
		if (!memory)
			exit(3);
	}
	for (size_t i = 0; i < size; i += 64)
		memory[i]++;
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
	const char *own = getenv("OWN_HEADERS");
	bool fresh = own && !strcmp(own, "fresh"), cold = getenv("COLD");
	struct curl_slist *list = make_headers();
	char *body = make_body(bytes);

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L); /* a certificate made for the moment */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	check_posts(easy);
	check_version(easy, url);
	samples->cpu_ns = -now_cpu_ns(); /* a system call, so not for each request */
	for (long i = 0; i < times; i++) {
		double start = now_ns();

		if (cold) {
			fill_caches();
			samples->cpu_ns -= now_ns() - start;
			start = now_ns();
		}
		if (fresh) {
			curl_slist_free_all(list);
			list = make_headers();
			curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
		}
		if (curl_easy_perform(easy) != CURLE_OK)
			exit(1);
		take_sample(samples, start);
	}
	samples->cpu_ns += now_cpu_ns();
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	free(body);
}

static void send_first(CURL *easy, const char *url, struct samples *samples)
{
	struct curl_slist *list = make_headers();
	double start;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	samples->cpu_ns = -now_cpu_ns();
	start = now_ns();
	if (curl_easy_perform(easy) != CURLE_OK)
		exit(1);
	take_sample(samples, start);
	samples->cpu_ns += now_cpu_ns();
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
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
	samples->cpu_ns = -now_cpu_ns();
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
	samples->cpu_ns += now_cpu_ns();
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
	else if (!strcmp(what, "first") && argc > 3)
		send_first(easy, argv[3], &samples);
	else if (!strcmp(what, "spawn") && argc > 3)
		spawn(argv + 3, &samples, times);
	else
		return 2;
	if (samples.count) {
		double sum = 0;

		for (long i = 0; i < samples.count; i++)
			sum += samples.ns[i];
		printf("%.2f %.2f %.2f\n", sum / (double)samples.count, median_of(&samples),
		       samples.cpu_ns / (double)samples.count);
	} else {
		printf("%.2f\n", (now_ns() - start) / (double)times);
	}
	free(samples.ns);
	curl_easy_cleanup(easy);
	return 0;
}
