// SPDX-License-Identifier: MIT
/* Hosts whose threads, memory, stack, signals and time are their own. */
#include "host.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static const char *mode;
static char *address;
static CURL *easy;

static int is(const char *name)
{
	return !strcmp(mode, name);
}

static int starts(const char *name)
{
	return !strncmp(mode, name, strlen(name));
}

/* Threads that are cancelled in the middle of a request. */

static int cancel_me(void *arg, char *remote, char *local, int port, int own_port)
{
	(void)arg, (void)remote, (void)local, (void)port, (void)own_port;
	pthread_cancel(pthread_self());
	return CURL_PREREQFUNC_OK;
}

static void *cancelled(void *arg)
{
	CURL *mine = chat(address);

	(void)arg;
	pthread_cleanup_push(curl_easy_cleanup, mine);
	if (is("cancelled in a request"))
		curl_easy_setopt(mine, CURLOPT_PREREQFUNCTION, cancel_me);
	for (;;)
		curl_easy_perform(mine);
	pthread_cleanup_pop(1);
	return NULL;
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void cancel_threads(void)
{
	int before, count = is("cancelled in a request") ? 20 : 5;

	easy = chat(address);
	perform(easy);
	before = descriptors();
	for (int i = 0; i < count; i++) {
		pthread_t thread;
		void *result;

		pthread_create(&thread, NULL, cancelled, NULL);
		if (!is("cancelled in a request")) {
			usleep(3000);
			pthread_cancel(thread);
		}
		pthread_join(thread, &result);
		if (result != PTHREAD_CANCELED)
			puts("not cancelled");
	}
	/* libcurl itself leaves its connection and its pair of sockets behind. */
	if (is("cancelled in a request"))
		printf("%d descriptors\n", descriptors() - before);
	perform(easy);
}

/* Memory that libcurl no longer looks at, unmapped. */

static void unmap_body(void)
{
	char *body = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	strcpy(body, BODY);
	easy = chat(address);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	perform(easy);
	munmap(body, 4096);
	if (is("body, POST off"))
		curl_easy_setopt(easy, CURLOPT_POST, 0L);
	else if (is("body, upload off"))
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
	else if (is("body, upload on")) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE, 0L);
	} else if (is("body, GET"))
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	else if (is("body, HEAD"))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (is("body, MIME"))
		curl_easy_setopt(easy, CURLOPT_MIMEPOST, NULL);
	else if (is("body, copied")) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, -1L);
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, BODY);
	} else {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
	}
	if (!is("body, HEAD"))
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "POST");
	perform(easy);
}

/* Requests on small stacks. */

static ucontext_t outside, inside;

static void on_small_stack(void)
{
	CURL *mine = curl_easy_init();

	curl_easy_setopt(mine, CURLOPT_URL, address);
	curl_easy_setopt(mine, CURLOPT_COPYPOSTFIELDS, BODY);
	curl_easy_setopt(mine, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(mine, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_perform(mine);
	curl_easy_perform(mine);
	curl_easy_cleanup(mine);
}

static void *on_thread(void *arg)
{
	on_small_stack();
	return arg;
}

/* What the host itself needs: libcurl takes 7.6 KiB here. The stack ends at a page that is not there. */
static void small_stack(size_t size)
{
	char *memory = mmap(NULL, size + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(memory + 4096, size, PROT_READ | PROT_WRITE);
	getcontext(&inside);
	inside.uc_stack.ss_sp = memory + 4096;
	inside.uc_stack.ss_size = size;
	inside.uc_link = &outside;
	makecontext(&inside, on_small_stack, 0);
	swapcontext(&outside, &inside);
	puts("done");
}

static void set_body(void)
{
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, BODY);
	curl_easy_setopt(easy, CURLOPT_URL, address);
}

static void make_request(void)
{
	curl_easy_perform(easy);
}

/* How deep a call goes: the stack is filled with a byte that it then no longer has. */
static void stack_of(const char *what)
{
	size_t size = 1 << 20, untouched = 0;
	unsigned char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	easy = chat(address);
	memset(memory, 0xa5, size);
	getcontext(&inside);
	inside.uc_stack.ss_sp = memory;
	inside.uc_stack.ss_size = size;
	inside.uc_link = &outside;
	makecontext(&inside, strcmp(what, "setopt") ? make_request : set_body, 0);
	swapcontext(&outside, &inside);
	while (memory[untouched] == 0xa5)
		untouched++;
	printf("%zu\n", size - untouched);
}

static void small_thread(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	if (pthread_create(&thread, &attributes, on_thread, NULL))
		puts("no thread");
	else
		pthread_join(thread, NULL);
}

/* Signals that a write of ours could raise. */

static void dead_standard_error(void)
{
	int ends[2];

	if (is("stderr is a dead pipe"))
		(void)!pipe(ends);
	else
		socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	dup2(ends[1], 2);
	close(ends[0]);
	close(ends[1]);
	easy = chat(address);
	perform(easy);
}

static void no_file_may_grow(void)
{
	struct rlimit none = { 0, 0 };

	easy = chat(address);
	setrlimit(RLIMIT_FSIZE, &none);
	curl_easy_perform(easy);
	_exit(0); /* stdout may be a file */
}

static void blocked_signals(void)
{
	sigset_t all, after;
	int ends[2];

	(void)!pipe(ends);
	dup2(ends[1], 2);
	close(ends[0]);
	close(ends[1]);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	raise(SIGPIPE);
	easy = chat(address);
	perform(easy);
	sigpending(&after);
	printf("pending: %d\n", sigismember(&after, SIGPIPE));
	sigprocmask(SIG_BLOCK, NULL, &after);
	printf("blocked: %d %d\n", sigismember(&after, SIGPIPE), sigismember(&after, SIGXFSZ));
}

/* A sandbox that ends the process at every system call which libcurl does not make for a request. */

static void lock_in(void)
{
	static const int allowed[] = {
		SYS_read, SYS_write, SYS_close, SYS_socket, SYS_connect, SYS_sendto, SYS_recvfrom, SYS_poll,
		SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_getpeername, SYS_fcntl,
		SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_futex, SYS_brk, SYS_mmap, SYS_munmap,
		SYS_mprotect, SYS_exit_group, SYS_newfstatat, SYS_socketpair, SYS_pipe2, SYS_eventfd2, SYS_rt_sigreturn,
		SYS_getpid, SYS_clock_gettime,
	};
	const unsigned count = sizeof(allowed) / sizeof(allowed[0]);
	struct sock_filter filter[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { (unsigned short)(count + 3), filter };

	for (unsigned i = 0; i < count; i++)
		filter[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							     (unsigned)allowed[i], count - i, 0);
	filter[count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[count + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		puts("no sandbox");
}

static void sandbox(void)
{
	CURL *warm = chat(is("sandbox before any POST") ? url(address, "/../models") : address);

	if (is("sandbox before any POST"))
		curl_easy_setopt(warm, CURLOPT_HTTPGET, 1L);
	perform(warm);
	lock_in();
	easy = chat(address);
	for (int i = 0; i < 30; i++)
		perform(easy);
	/* A handle of its own for each, as many clients have. */
	for (int i = 0; i < 70; i++) {
		CURL *one = chat(address);

		perform(one);
		curl_easy_cleanup(one);
	}
}

/* Time. */

static void *change_environment(void *arg)
{
	char name[32];

	for (unsigned i = 0; !__atomic_load_n((int *)arg, __ATOMIC_RELAXED); i++) {
		snprintf(name, sizeof(name), "SOME_%u", i % 500);
		setenv(name, "x", 1);
		setenv("TAGALONG_TASK_ID", "T-42", 1);
		unsetenv(name);
	}
	return NULL;
}

static void environment_storm(void)
{
	pthread_t thread;
	int over = 0;

	pthread_create(&thread, NULL, change_environment, &over);
	easy = chat(address);
	for (int i = 0; i < 100; i++)
		perform(easy);
	over = 1;
	pthread_join(thread, NULL);
}

/* Longer than the client gives the request is waited for nobody. */
static void little_time(void)
{
	easy = chat(address);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 400L);
	for (int i = 0; i < 3; i++)
		perform(easy);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	mode = argv[1];
	address = url(argv[2], CHAT);
	curl_global_init(CURL_GLOBAL_ALL);
	if (starts("cancelled"))
		cancel_threads();
	else if (starts("body"))
		unmap_body();
	else if (starts("coroutine of "))
		small_stack((size_t)atoi(mode + strlen("coroutine of ")));
	else if (starts("stack of "))
		stack_of(mode + strlen("stack of "));
	else if (is("smallest thread"))
		small_thread();
	else if (starts("stderr"))
		dead_standard_error();
	else if (starts("no file may grow"))
		no_file_may_grow();
	else if (is("signals blocked"))
		blocked_signals();
	else if (starts("sandbox"))
		sandbox();
	else if (is("environment changes"))
		environment_storm();
	else
		little_time();
	if (easy)
		curl_easy_cleanup(easy);
	return 0;
}
