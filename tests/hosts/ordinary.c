// SPDX-License-Identifier: MIT
/* A host that does a little of everything, for builds with a sanitizer: what such a runtime intercepts
 * (allocation, threads, fork, dlopen, signals) meets the library. */
#include "host.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *relay, *other;

static void *in_a_thread(void *arg)
{
	char *address = url(relay, CHAT);
	CURL *easy = chat(address);
	CURLcode *code = arg;

	*code = curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	free(address);
	return NULL;
}

static void threads(void)
{
	pthread_t thread[4];
	CURLcode code[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, in_a_thread, &code[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		printf("thread %d\n", (int)code[i]);
	}
}

static void one_handle(void)
{
	char *address = url(relay, CHAT), *elsewhere = url(other, CHAT), *body = strdup(BODY);
	struct curl_slist *list = curl_slist_append(NULL, "X-Mine: 1");
	CURL *easy = chat(address), *copy;

	perform(easy);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
	free(body);
	perform(easy);
	setenv("TAGALONG_TASK_ID", "T-43", 1);
	copy = curl_easy_duphandle(easy);
	perform(copy);
	curl_easy_cleanup(copy);
	curl_easy_setopt(easy, CURLOPT_URL, elsewhere);
	perform(easy);
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, address);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	perform(easy);
	curl_easy_cleanup(easy);
	curl_slist_free_all(list);
	free(address);
	free(elsewhere);
}

static void multi(void)
{
	char *address = url(relay, CHAT);
	CURLM *multi = curl_multi_init();
	CURL *easy = chat(address);

	curl_multi_add_handle(multi, easy);
	run_multi(multi);
	curl_multi_remove_handle(multi, easy);
	curl_easy_cleanup(easy);
	curl_multi_cleanup(multi);
	free(address);
}

static void child(void)
{
	char *address = url(relay, CHAT);
	CURL *easy = chat(address);
	int status = 0;
	pid_t pid;

	perform(easy);
	pid = fork();
	if (!pid) {
		CURLcode code;

		in_a_thread(&code);
		_exit(code);
	}
	waitpid(pid, &status, 0);
	printf("child %d\n", status);
	curl_easy_cleanup(easy);
	free(address);
}

/* By name, as plugins find it, from a libcurl that the process has. */
static void by_name(void)
{
	void *libcurl = dlopen("libcurl.so.4", RTLD_NOW);
	CURL *(*init)(void) = (CURL * (*)(void)) dlsym(libcurl, "curl_easy_init");
	CURLcode (*setopt)(CURL *, CURLoption, ...) =
		(CURLcode(*)(CURL *, CURLoption, ...))dlsym(libcurl, "curl_easy_setopt");
	char *address = url(relay, CHAT);
	CURL *easy = init();

	setopt(easy, CURLOPT_URL, address);
	setopt(easy, CURLOPT_POSTFIELDS, BODY);
	setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	perform(easy);
	curl_easy_cleanup(easy);
	printf("no name %d\n", dlsym(libcurl, "curl_easy_nothing") == NULL && dlerror());
	dlclose(libcurl);
	free(address);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	relay = argv[1];
	other = argv[2];
	curl_global_init(CURL_GLOBAL_ALL);
	one_handle();
	multi();
	threads();
	child();
	by_name();
	curl_global_cleanup();
	puts("end");
	return 0;
}
