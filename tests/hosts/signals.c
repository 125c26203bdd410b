// SPDX-License-Identifier: MIT
/* Hosts whose signal handler does what few do, 30 ms after a request has begun: by then the shim waits
 * for a service that hangs, and a bare libcurl calls back. */
#include "host.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <ucontext.h>
#endif

static const char *mode;
static char *address;
static volatile sig_atomic_t handled;
static sigjmp_buf jump;
#ifdef __GLIBC__
static ucontext_t outside, inside;
#endif
static CURL *other;

static int is(const char *name)
{
	return !strcmp(mode, name);
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void show_thread(void)
{
	sigset_t set;
	int state, blocked = 0;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	for (int number = 1; number < 65; number++)
		blocked += sigismember(&set, number) == 1;
	printf("cancelled: %d, blocked: %d\n", state == PTHREAD_CANCEL_ENABLE, blocked);
	fflush(stdout);
}

static void on_signal(int number)
{
	(void)number;
	handled = 1;
	if (is("siglongjmp") || is("siglongjmp, without the mask")) {
		siglongjmp(jump, 1);
#ifdef __GLIBC__
	} else if (is("swapcontext")) {
		swapcontext(&inside, &outside);
#endif
	} else if (is("pthread_exit")) {
		pthread_exit(NULL);
	} else if (is("fork")) {
		pid_t pid = fork();

		if (!pid)
			_exit(curl_easy_perform(other));
		waitpid(pid, NULL, 0);
	} else if (is("a request")) {
		curl_easy_perform(other);
	}
}

static void soon(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	struct itimerval timer = { { 0, 0 }, { 0, 30000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static size_t stay(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	while (!handled)
		usleep(1000);
	return size * count;
}

static CURL *slow;

static void begin(void)
{
	slow = chat(address);
	other = chat(address);
	curl_easy_setopt(slow, CURLOPT_WRITEFUNCTION, stay);
}

static void *in_thread(void *arg)
{
	soon(0);
	curl_easy_perform(slow);
	return arg;
}

/* Longer than any wait for a service that failed just now. */
static void perform_soon(void)
{
	struct timespec start, end;
	CURL *easy = chat(address);

	clock_gettime(CLOCK_MONOTONIC, &start);
	perform(easy);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9 > 1.5)
		puts("late");
	curl_easy_cleanup(easy);
}

#ifdef __GLIBC__
static void in_context(void)
{
	soon(SA_NODEFER);
	perform(slow);
}

static void switch_contexts(void)
{
	static char stack[256 << 10];

	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = sizeof(stack);
	inside.uc_link = &outside;
	makecontext(&inside, in_context, 0);
	swapcontext(&outside, &inside);
	perform_soon();
	swapcontext(&outside, &inside);
}
#endif

int main(int argc, char **argv)
{
	int before, after;
	pthread_t thread;

	if (argc != 3)
		return 2;
	mode = argv[1];
	address = url(argv[2], CHAT);
	curl_global_init(CURL_GLOBAL_ALL);
	begin();
	before = descriptors();
	if (is("pthread_exit")) {
		/* The signal is for that thread alone. */
		sigset_t alarm;

		sigemptyset(&alarm);
		sigaddset(&alarm, SIGALRM);
		pthread_create(&thread, NULL, in_thread, NULL);
		pthread_sigmask(SIG_BLOCK, &alarm, NULL);
		pthread_join(thread, NULL);
		pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
#ifdef __GLIBC__
	} else if (is("swapcontext")) {
		switch_contexts();
#endif
	} else if (!sigsetjmp(jump, is("siglongjmp"))) {
		soon(is("siglongjmp, without the mask") ? SA_NODEFER : 0);
		curl_easy_perform(slow);
	}
	after = descriptors();
	/* A bare libcurl was called back: its connection, and its pair of sockets, are there. */
	printf("%d\n", after - before > 3);
	show_thread();
	perform_soon();
	perform_soon();
	return 0;
}
