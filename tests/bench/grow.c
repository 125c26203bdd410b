// SPDX-License-Identifier: MIT
/*
 * How the cost grows; a host program that knows nothing of the shim. Prints nanoseconds for one request
 * or call, and bytes for one handle, of
 *   grow handles N URL     N handles with an URL, a body and a header list each are alive
 *   grow threads N URL     N threads, a handle each; the time is a request's, as a client waits for it
 *   grow transfers N URL   N transfers at once in one multi handle, each with a connection that is reused
 *   grow performs N URL    N requests on one handle, then a new handle, some thousand requests in all
 *   grow headers N URL     the client sets N headers itself
 *   grow body N URL        a body of N bytes
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS 2000 /* a measurement; fewer of long bodies */

static const char *url;

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

static CURL *make_handle(struct curl_slist *list, const char *body)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		exit(3);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	return easy;
}

static void perform(CURL *easy, long times)
{
	for (long i = 0; i < times; i++) {
		if (curl_easy_perform(easy) != CURLE_OK)
			exit(1);
	}
}

static double time_of(CURL *easy, long times)
{
	double start;

	perform(easy, 10);
	start = now_ns();
	perform(easy, times);
	return (now_ns() - start) / (double)times;
}

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long whole = 0, resident = 0;

	if (!file || fscanf(file, "%ld %ld", &whole, &resident) != 2)
		exit(3);
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double handles(long count, struct curl_slist *list, double *ret_bytes)
{
	CURL **all = calloc((size_t)count, sizeof(CURL *));
	double before, result;

	if (!all)
		exit(3);
	memset(all, 1, (size_t)count * sizeof(CURL *)); /* not to be counted */
	curl_easy_cleanup(make_handle(list, "{}"));
	before = resident_bytes();
	for (long i = 0; i < count; i++)
		all[i] = make_handle(list, "{}");
	*ret_bytes = (resident_bytes() - before) / (double)count;
	result = time_of(all[count / 2], REQUESTS);
	for (long i = 0; i < count; i++)
		curl_easy_cleanup(all[i]);
	free(all);
	return result;
}

static void *thread(void *arg)
{
	struct curl_slist *list = curl_slist_append(NULL, "Authorization: Bearer sk-bench");
	CURL *easy = make_handle(list, "{}");

	*(double *)arg = time_of(easy, REQUESTS / 4);
	curl_easy_cleanup(easy);
	curl_slist_free_all(list);
	return NULL;
}

static double threads(long count)
{
	pthread_t *all = calloc((size_t)count, sizeof(*all));
	double *each = calloc((size_t)count, sizeof(*each)), sum = 0;

	if (!all || !each)
		exit(3);
	for (long i = 0; i < count; i++) {
		if (pthread_create(&all[i], NULL, thread, &each[i]))
			exit(3);
	}
	for (long i = 0; i < count; i++) {
		pthread_join(all[i], NULL);
		sum += each[i];
	}
	free(all);
	free(each);
	return sum / (double)count / (double)count;
}

/* Each handle is added again when its transfer has ended, until there were enough. */
static double transfers(long count, struct curl_slist *list)
{
	long started = 0, ended = 0, wanted = count > REQUESTS / 4 ? 4 * count : REQUESTS;
	CURL **all = calloc((size_t)count, sizeof(CURL *));
	CURLM *multi = curl_multi_init();
	double start = 0;
	CURLMsg *message;
	int running, left;

	if (!all || !multi)
		exit(3);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 2 * count);
	for (; started < count; started++) {
		all[started] = make_handle(list, "{}");
		curl_multi_add_handle(multi, all[started]);
	}
	/* The first of each opens its connection, and is not counted. */
	while (ended < count + wanted) {
		if (curl_multi_perform(multi, &running) != CURLM_OK)
			exit(1);
		while ((message = curl_multi_info_read(multi, &left))) {
			CURL *easy = message->easy_handle;

			if (message->data.result != CURLE_OK)
				exit(1);
			curl_multi_remove_handle(multi, easy);
			if (++ended == count)
				start = now_ns();
			if (started++ < count + wanted)
				curl_multi_add_handle(multi, easy);
		}
		curl_multi_poll(multi, NULL, 0, 100, NULL);
	}
	start = now_ns() - start;
	for (long i = 0; i < count; i++) {
		curl_multi_remove_handle(multi, all[i]);
		curl_easy_cleanup(all[i]);
	}
	curl_multi_cleanup(multi);
	free(all);
	return start / (double)wanted;
}

static double performs(long count, struct curl_slist *list)
{
	CURLSH *share = curl_share_init();
	double start;
	long done;

	/* The connection outlives the handle. */
	curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
	start = now_ns();
	for (done = 0; done < REQUESTS; done += count) {
		CURL *easy = make_handle(list, "{}");

		curl_easy_setopt(easy, CURLOPT_SHARE, share);
		perform(easy, count);
		curl_easy_cleanup(easy);
	}
	start = (now_ns() - start) / (double)done;
	curl_share_cleanup(share);
	return start;
}

static double headers(long count, struct curl_slist *list)
{
	double result;
	CURL *easy;

	for (long i = 0; i < count; i++) {
		char line[64];

		snprintf(line, sizeof(line), "X-Own-Header-%ld: value %ld", i, i);
		list = curl_slist_append(list, line);
	}
	easy = make_handle(list, "{}");
	result = time_of(easy, REQUESTS);
	curl_easy_cleanup(easy);
	return result;
}

static double body(long bytes, struct curl_slist *list)
{
	char *memory = malloc((size_t)bytes + 1);
	double result;
	CURL *easy;

	if (!memory)
		exit(3);
	memset(memory, 'x', (size_t)bytes);
	memory[bytes] = '\0';
	easy = make_handle(list, memory);
	result = time_of(easy, bytes < 100000 ? REQUESTS : bytes < 5000000 ? 100 : 5);
	curl_easy_cleanup(easy);
	free(memory);
	return result;
}

int main(int argc, char **argv)
{
	struct curl_slist *list = curl_slist_append(NULL, "Authorization: Bearer sk-bench");
	const char *what = argc > 3 ? argv[1] : "";
	long count = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
	double ns, bytes = 0;

	list = curl_slist_append(list, "Expect:");
	url = argc > 3 ? argv[3] : "";
	if (!strcmp(what, "handles"))
		ns = handles(count, list, &bytes);
	else if (!strcmp(what, "threads"))
		ns = threads(count);
	else if (!strcmp(what, "transfers"))
		ns = transfers(count, list);
	else if (!strcmp(what, "performs"))
		ns = performs(count, list);
	else if (!strcmp(what, "headers"))
		ns = headers(count, list);
	else if (!strcmp(what, "body"))
		ns = body(count, list);
	else
		return 2;
	printf("%.0f %.1f\n", ns, bytes);
	curl_slist_free_all(list);
	return 0;
}
