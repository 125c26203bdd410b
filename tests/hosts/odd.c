/* SPDX-License-Identifier: MIT */
/* Hosts that use processes, signals, limits and libcurl's callbacks as few do: each mode is one. */
#include "host.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *mode, *relay, *other;
static char *address, *elsewhere;
extern char **environ;

static int is(const char *name)
{
	return !strcmp(mode, name);
}

static struct curl_slist *own_list(void)
{
	return curl_slist_append(curl_slist_append(NULL, "X-Own: 1"), "X-Turn: 2");
}

static void one(void)
{
	CURL *easy = chat(address);

	perform(easy);
	curl_easy_cleanup(easy);
}

/* --- Processes that share memory --- */

static int in_clone(void *easy)
{
	CURLcode code = curl_easy_perform(easy);
	CURL *own = chat(address);

	code = code ? code : curl_easy_perform(own);
	curl_easy_cleanup(own);
	return code;
}

static void child_of_clone(int flags)
{
	char *stack = malloc(1 << 20);
	CURL *easy = chat(address);
	pid_t pid;

	if (!is("clone before any request"))
		perform(easy);
	pid = clone(in_clone, stack + (1 << 20), flags, easy);
	show_end(pid);
	perform(easy);
	curl_easy_cleanup(easy);
}

static void raw_fork(void)
{
	CURL *easy = chat(address);
	pid_t pid;

	perform(easy);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		CURL *own = chat(address);
		CURLcode code = curl_easy_perform(own);

		_exit(code);
	}
	show_end(pid);
	perform(easy);
	curl_easy_cleanup(easy);
}

/* --- Callbacks --- */

static int calls;
static CURL *inner, *outer;
static CURLM *the_multi;
static struct curl_slist *list;

static size_t on_write(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	if (calls++)
		return size * count;
	if (is("perform in a callback")) {
		CURL *third = chat(elsewhere);

		perform(inner);
		perform(third);
		curl_easy_cleanup(third);
	} else if (is("fork in a callback") || is("fork in a callback, and go on")) {
		pid_t pid = fork();

		if (!pid && is("fork in a callback")) {
			CURL *own = chat(address);

			_exit(curl_easy_perform(own));
		}
		if (!pid)
			return size * count;
		show_end(pid);
	} else if (is("list is NULL in a callback")) {
		curl_easy_setopt(outer, CURLOPT_HTTPHEADER, NULL);
		curl_slist_free_all(list);
	} else if (is("list is changed in a callback")) {
		list = curl_slist_append(list, "X-Own-Too: 3");
	} else if (is("a copy in a callback")) {
		CURL *copy = curl_easy_duphandle(outer), *copy2 = curl_easy_duphandle(copy);

		curl_easy_setopt(copy2, CURLOPT_WRITEFUNCTION, discard);
		curl_easy_cleanup(copy);
		perform(copy2);
		curl_easy_cleanup(copy2);
	} else if (is("pthread_exit in a callback")) {
		pthread_exit(NULL);
	} else if (is("the thread ends in a callback")) {
		syscall(SYS_exit, 0);
	} else if (is("exit in a callback")) {
		puts("exit");
		exit(5);
	} else if (is("cleanup of another in a callback")) {
		curl_easy_cleanup(inner);
	} else if (is("multi in a callback")) {
		CURLM *multi = curl_multi_init();

		curl_multi_add_handle(multi, inner);
		run_multi(multi);
		curl_multi_remove_handle(multi, inner);
		curl_multi_cleanup(multi);
	}
	return size * count;
}

static void *outer_thread(void *arg)
{
	(void)arg;
	perform(outer);
	return NULL;
}

static void in_callbacks(void)
{
	pthread_t thread;

	list = own_list();
	inner = chat(address);
	outer = chat(address);
	curl_easy_setopt(outer, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(outer, CURLOPT_HTTPHEADER, list);
	if (is("pthread_exit in a callback") || is("the thread ends in a callback")) {
		pthread_create(&thread, NULL, outer_thread, NULL);
		if (is("pthread_exit in a callback"))
			pthread_join(thread, NULL);
		else
			usleep(300000);
		one();
		return;
	}
	perform(outer);
	perform(outer);
	if (is("fork in a callback, and go on"))
		_exit(0);
	curl_easy_cleanup(outer);
	if (!is("cleanup of another in a callback"))
		curl_easy_cleanup(inner);
}

static int on_prereq(void *arg, char *ip, char *local, int port, int local_port)
{
	CURL *easy = outer;

	(void)arg, (void)ip, (void)local, (void)port, (void)local_port;
	if (calls++)
		return CURL_PREREQFUNC_OK;
	if (is("prereq: no callback any more"))
		curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, NULL);
	else if (is("prereq: another list"))
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	else if (is("prereq: another request"))
		perform(inner);
	else if (is("prereq: a copy")) {
		CURL *copy = curl_easy_duphandle(easy);

		perform(copy);
		curl_easy_cleanup(copy);
	} else if (is("prereq: fork")) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		show_end(pid);
	} else if (is("prereq: abort"))
		return CURL_PREREQFUNC_ABORT;
	else if (is("prereq: body"))
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, BODY);
	else if (is("prereq: no environment"))
		environ = NULL;
	return CURL_PREREQFUNC_OK;
}

static void prereqs(void)
{
	inner = chat(address);
	outer = chat(address);
	list = own_list();
	curl_easy_setopt(outer, CURLOPT_PREREQFUNCTION, on_prereq);
	perform(outer);
	perform(outer);
	curl_easy_cleanup(outer);
	curl_easy_cleanup(inner);
}

/* --- The life of lists and handles --- */

static void lists(void)
{
	CURL *easy = chat(address), *copies[40];
	CURLM *multi;

	list = own_list();
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	if (is("list freed after perform")) {
		perform(easy);
		curl_slist_free_all(list);
		list = own_list();
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
		perform(easy);
		curl_slist_free_all(list);
	} else if (is("list freed before it is removed")) {
		multi = curl_multi_init();
		curl_multi_add_handle(multi, easy);
		run_multi(multi);
		curl_slist_free_all(list);
		copies[0] = curl_easy_duphandle(easy);
		curl_multi_remove_handle(multi, easy);
		curl_easy_setopt(copies[0], CURLOPT_HTTPHEADER, NULL);
		perform(copies[0]);
		curl_easy_cleanup(copies[0]);
		curl_multi_cleanup(multi);
	} else if (is("a chain of copies")) {
		copies[0] = easy;
		for (int i = 1; i < 40; i++) {
			copies[i] = curl_easy_duphandle(copies[i - 1]);
			if (i % 2)
				curl_easy_cleanup(copies[i - 1]);
		}
		perform(copies[39]);
		for (int i = 1; i < 40; i += 2)
			if (i != 39)
				perform(copies[i]), curl_easy_cleanup(copies[i]);
		easy = copies[39];
	} else if (is("lines of every kind")) {
		list = curl_slist_append(list, "No-Value:");
		list = curl_slist_append(list, "Empty;");
		list = curl_slist_append(list, "nothing");
		list = curl_slist_append(list, "");
		list = curl_slist_append(list, ":");
		list = curl_slist_append(list, "Accept:");
		list = curl_slist_append(list, "Host: other.example.com");
		list = curl_slist_append(list, "Content-Type: application/json");
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
		perform(easy);
	} else if (is("three thousand lines")) {
		for (int i = 0; i < 3000; i++)
			list = curl_slist_append(list, "X-Own-Too: 3");
		perform(easy);
	} else if (is("error buffer is gone")) {
		char *errors = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				    -1, 0);

		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, errors);
		perform(easy);
		munmap(errors, 4096);
		curl_slist_free_all(list);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	} else if (is("one list on many handles")) {
		for (int i = 0; i < 40; i++) {
			copies[i] = chat(i % 2 ? address : elsewhere);
			curl_easy_setopt(copies[i], CURLOPT_HTTPHEADER, list);
		}
		multi = curl_multi_init();
		for (int i = 0; i < 40; i++)
			curl_multi_add_handle(multi, copies[i]);
		run_multi(multi);
		for (int i = 0; i < 40; i++) {
			curl_multi_remove_handle(multi, copies[i]);
			curl_easy_cleanup(copies[i]);
		}
		curl_multi_cleanup(multi);
	} else if (is("global cleanup in between")) {
		perform(easy);
		curl_easy_cleanup(easy);
		curl_global_cleanup();
		curl_global_init(CURL_GLOBAL_ALL);
		easy = chat(address);
		perform(easy);
	}
	curl_easy_cleanup(easy);
}

static int locks[CURL_LOCK_DATA_LAST];

static void lock_it(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
	(void)easy, (void)access, (void)arg;
	if (locks[data]++)
		puts("locked twice");
}

static void unlock_it(CURL *easy, curl_lock_data data, void *arg)
{
	(void)easy, (void)arg;
	locks[data]--;
}

static void share(void)
{
	CURLSH *share = curl_share_init();
	CURL *easy[3];

	curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
	curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
	curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock_it);
	curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock_it);
	for (int i = 0; i < 3; i++) {
		easy[i] = chat(address);
		curl_easy_setopt(easy[i], CURLOPT_SHARE, share);
		curl_easy_setopt(easy[i], CURLOPT_COOKIEFILE, "");
		perform(easy[i]);
	}
	for (int i = 0; i < 3; i++) {
		CURL *copy = curl_easy_duphandle(easy[i]);

		curl_easy_setopt(copy, CURLOPT_SHARE, share);
		perform(copy);
		curl_easy_cleanup(copy);
		curl_easy_cleanup(easy[i]);
	}
	printf("share %d\n", (int)curl_share_cleanup(share));
}

/* --- A multi by sockets --- */

static int epoll_fd;
static long timeout_of_multi = -1;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
	struct epoll_event event = { .data.fd = fd };

	(void)easy, (void)arg, (void)socketp;
	if (what == CURL_POLL_REMOVE)
		return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL), 0;
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event))
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	(void)multi, (void)arg;
	timeout_of_multi = timeout_ms;
	return 0;
}

static void sockets(void)
{
	CURL *easy[8];
	int running = 8, queued, again = 3;
	CURLMsg *message;

	the_multi = curl_multi_init();
	epoll_fd = epoll_create1(0);
	curl_multi_setopt(the_multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(the_multi, CURLMOPT_TIMERFUNCTION, on_timer);
	for (int i = 0; i < 8; i++) {
		easy[i] = chat(i % 3 ? address : elsewhere);
		curl_multi_add_handle(the_multi, easy[i]);
	}
	while (running) {
		struct epoll_event event;
		int count = epoll_wait(epoll_fd, &event, 1,
				       timeout_of_multi < 0 ? 1000 : (int)timeout_of_multi);

		if (count > 0)
			curl_multi_socket_action(the_multi, event.data.fd,
						 (event.events & EPOLLIN ? CURL_CSELECT_IN : 0) |
							 (event.events & EPOLLOUT ?
								  CURL_CSELECT_OUT :
								  0),
						 &running);
		else
			curl_multi_socket_action(the_multi, CURL_SOCKET_TIMEOUT, 0, &running);
		while ((message = curl_multi_info_read(the_multi, &queued))) {
			CURL *done = message->easy_handle;

			printf("%d\n", (int)message->data.result);
			curl_multi_remove_handle(the_multi, done);
			if (done == easy[0] && again-- > 0)
				curl_multi_add_handle(the_multi, done), running = 1;
		}
	}
	for (int i = 0; i < 8; i++)
		curl_easy_cleanup(easy[i]);
	printf("multi %d\n", (int)curl_multi_cleanup(the_multi));
}

/* --- Signals --- */

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
	(void)number;
	ticks++;
}

static void storm(int flags)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = flags };
	struct itimerval fast = { { 0, 500 }, { 0, 500 } };
	CURL *easy;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &fast, NULL);
	for (int i = 0; i < 50; i++) {
		easy = chat(address);
		perform(easy);
		perform(easy);
		curl_easy_cleanup(easy);
	}
	memset(&fast, 0, sizeof(fast));
	setitimer(ITIMER_REAL, &fast, NULL);
	printf("%d\n", ticks > 0);
}

static sigjmp_buf jump;

static size_t stay(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	pause();
	return size * count;
}

static void on_alarm(int number)
{
	(void)number;
	siglongjmp(jump, 1);
}

/* Gives up in the middle, as old programs do; the relay has answered by then. */
static void give_up(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { { 0, 0 }, { 0, 200000 } };
	CURL *easy = chat(address);

	sigaction(SIGALRM, &action, NULL);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, stay);
	if (!sigsetjmp(jump, 1)) {
		setitimer(ITIMER_REAL, &soon, NULL);
		curl_easy_perform(easy);
	}
	one();
	one();
}

static CURL *in_handler;

static void on_usr1(int number)
{
	(void)number;
	perform(in_handler);
}

static void on_small_stack(size_t bytes)
{
	stack_t stack = { .ss_sp = malloc(bytes), .ss_size = bytes };
	struct sigaction action = { .sa_handler = on_usr1, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	in_handler = chat(address);
	raise(SIGUSR1);
	raise(SIGUSR1);
	curl_easy_cleanup(in_handler);
}

/* --- Limits, surroundings --- */

static void limit(int which, rlim_t value)
{
	struct rlimit now = { value, value };

	if (setrlimit(which, &now))
		perror("setrlimit");
}

static void limits(void)
{
	CURL *easy = chat(address);
	int highest;

	if (is("no descriptor more than libcurl needs")) {
		perform(easy);
		highest = dup(2);
		close(highest);
		limit(RLIMIT_NOFILE, (rlim_t)highest);
	} else if (is("no locked memory")) {
		limit(RLIMIT_MEMLOCK, 0);
	} else if (is("all memory is locked")) {
		mlockall(MCL_CURRENT | MCL_FUTURE);
	} else if (is("small stack limit")) {
		limit(RLIMIT_STACK, 64 << 10);
	}
	perform(easy);
	curl_easy_reset(easy);
	curl_easy_cleanup(easy);
	one();
}

static void surroundings(void)
{
	CURL *easy = chat(address);

	if (is("chroot after start")) {
		char folder[] = "odd-XXXXXX";

		perform(easy);
		if (chroot(mkdtemp(folder)) || chdir("/"))
			puts("no chroot");
	} else if (is("the working folder is gone")) {
		char folder[] = "odd-XXXXXX";

		if (chdir(mkdtemp(folder)) || rmdir(folder))
			puts("no folder");
	} else if (is("another user")) {
		perform(easy);
		if (setgid(65534) || setuid(65534))
			puts("no user");
	} else if (is("not dumpable")) {
		prctl(PR_SET_DUMPABLE, 0);
	} else if (is("environ is NULL")) {
		environ = NULL;
	} else if (is("clearenv")) {
		clearenv();
	} else if (is("an environment of its own")) {
		static char *own[] = { "nothing",
				       "=",
				       "",
				       "TAGALONG_TASK_ID",
				       "TAGALONG_TASK_ID=T-43",
				       "TAGALONG_TASK_ID=T-44",
				       NULL };

		environ = own;
	} else if (is("all signals blocked")) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
	} else if (is("SIGCHLD is ignored")) {
		signal(SIGCHLD, SIG_IGN);
	} else if (is("umask 777")) {
		umask(0777);
	}
	perform(easy);
	perform(easy);
	curl_easy_cleanup(easy);
}

static char *variable;

static void *unmap_variable(void *arg)
{
	(void)arg;
	usleep(20000);
	putenv("TAGALONG_TASK_ID=T-42");
	munmap(variable, 4096);
	return NULL;
}

/* While the service is waited for. */
static void unmapped_variable(void)
{
	pthread_t thread;

	variable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	putenv(strcpy(variable, "TAGALONG_TASK_ID=T-41"));
	pthread_create(&thread, NULL, unmap_variable, NULL);
	one();
	pthread_join(thread, NULL);
	one();
}

/* --- Before main, after main --- */

static void at_exit(void)
{
	one();
}

static void of_key(void *arg)
{
	(void)arg;
	one();
}

static void *thread_with_key(void *arg)
{
	static pthread_key_t key;

	pthread_key_create(&key, of_key);
	pthread_setspecific(key, arg);
	return NULL;
}

static void fork_prepare(void)
{
	one();
}

static void late(void)
{
	pthread_t thread;

	if (is("request at exit"))
		atexit(at_exit);
	else if (is("request at the end of a thread")) {
		pthread_create(&thread, NULL, thread_with_key, "x");
		pthread_join(thread, NULL);
	} else if (is("request at fork")) {
		pthread_atfork(fork_prepare, fork_prepare, fork_prepare);
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		show_end(pid);
	}
	one();
}

static void nothings(void)
{
	printf("%d %d %d\n", curl_easy_setopt(NULL, CURLOPT_URL, "x"), curl_easy_perform(NULL),
	       curl_multi_add_handle(NULL, NULL));
	printf("%d %d\n", curl_multi_remove_handle(NULL, NULL), curl_multi_cleanup(NULL));
	curl_easy_cleanup(NULL);
	CURL *easy = chat(address);
	printf("%d %d %d\n", curl_easy_setopt(easy, -1, 0L), curl_easy_setopt(easy, 99999, 0L),
	       curl_easy_setopt(easy, 9999, "x"));
	CURLM *multi = curl_multi_init();
	printf("%d %d\n", curl_multi_add_handle(multi, NULL),
	       curl_multi_remove_handle(multi, easy));
	curl_multi_add_handle(multi, easy);
	printf("%d %d\n", curl_multi_add_handle(multi, easy), curl_easy_perform(easy));
	run_multi(multi);
	curl_easy_cleanup(easy);
	curl_multi_cleanup(multi);
}

int main(int count, char **arguments)
{
	if (count < 4)
		return 2;
	mode = arguments[1];
	relay = arguments[2];
	other = arguments[3];
	address = url(relay, CHAT);
	elsewhere = url(other, CHAT);
	curl_global_init(CURL_GLOBAL_ALL);
	if (is("clone with memory") || is("clone before any request"))
		child_of_clone(CLONE_VM | CLONE_FILES | SIGCHLD);
	else if (is("clone with memory, own descriptors"))
		child_of_clone(CLONE_VM | SIGCHLD);
	else if (is("raw fork"))
		raw_fork();
	else if (strstr(mode, "callback") && !strstr(mode, "prereq"))
		in_callbacks();
	else if (strstr(mode, "prereq"))
		prereqs();
	else if (strstr(mode, "list") || strstr(mode, "copies") || strstr(mode, "lines") ||
		 strstr(mode, "error buffer") || is("global cleanup in between"))
		lists();
	else if (is("share"))
		share();
	else if (is("a variable that is unmapped"))
		unmapped_variable();
	else if (is("sockets"))
		sockets();
	else if (is("signals"))
		storm(0);
	else if (is("signals, restarted"))
		storm(SA_RESTART);
	else if (is("gives up by siglongjmp"))
		give_up();
	else if (strstr(mode, "signal stack of "))
		on_small_stack((size_t)atoi(mode + strlen("signal stack of ")));
	else if (strstr(mode, "request at "))
		late();
	else if (is("nothings"))
		nothings();
	else if (is("plain"))
		one();
	else if (!strncmp(mode, "no ", 3) || strstr(mode, "all memory") || strstr(mode, "limit"))
		limits();
	else
		surroundings();
	return 0;
}
