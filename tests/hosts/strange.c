// SPDX-License-Identifier: MIT
/* Ordinary programs that were not thought of: processes and threads that share half of everything,
 * descriptors that go, limits that come, sandboxes that refuse. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static const char *mode;
static char *address, **arguments;
extern char **environ;

static int is(const char *name)
{
	return !strcmp(mode, name);
}

static void one(void)
{
	CURL *easy = chat(address);

	perform(easy);
	curl_easy_cleanup(easy);
}

/* --- Other processes in the middle of requests --- */

static volatile int over;

static void *start_programs(void *arg)
{
	char *const words[] = { "true", NULL };

	while (!over) {
		pid_t pid = vfork();

		if (!pid) {
			execve("/bin/true", words, environ);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	return arg;
}

/* As posix_spawn does; and as programs do that want a descriptor of the child. */
static void *clone_programs(void *arg)
{
	char *const words[] = { "true", NULL };

	while (!over) {
		int fd = -1;
		struct clone_args how = {
			.flags = CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
			.pidfd = (uintptr_t)&fd,
			.exit_signal = SIGCHLD,
		};
		long pid = syscall(SYS_clone3, &how, sizeof(how));

		if (!pid) {
			execve("/bin/true", words, environ);
			_exit(127);
		}
		if (pid > 0)
			waitpid((pid_t)pid, NULL, 0);
		if (fd >= 0)
			close(fd);
	}
	return arg;
}

static void beside(void *(*function)(void *))
{
	pthread_t thread;

	pthread_create(&thread, NULL, function, NULL);
	for (int i = 0; i < 30; i++)
		one();
	over = 1;
	pthread_join(thread, NULL);
}

/* A process that loads everything once, and forks for each job; what it starts outlives it. */
static void zygote(void)
{
	int ends[2];
	char byte;

	one();
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (!pid) {
			one();
			one();
			_exit(i);
		}
		show_end(pid);
	}
	if (pipe(ends))
		abort();
	if (!fork()) {
		if (fork())
			_exit(0);
		setsid();
		close(ends[0]);
		one();
		_exit(0);
	}
	close(ends[1]);
	wait(NULL);
	while (read(ends[0], &byte, 1) > 0)
		;
}

static void again(const char *path, const char *next)
{
	char *words[] = { arguments[0], (char *)next, arguments[2], arguments[3], NULL };

	fflush(stdout);
	execve(path, words, environ);
	perror("exec");
}

static void *exec_in_thread(void *arg)
{
	usleep(2000);
	again("/proc/self/exe", "plain");
	return arg;
}

/* A copy that removes itself, as updaters do, and begins anew. */
static void deleted(void)
{
	char command[4096];

	snprintf(command, sizeof(command), "cp /proc/%d/exe ./copy", (int)getpid());
	if (system(command))
		puts("no copy");
	one();
	again("./copy", "deleted, second");
}

/* --- Descriptors --- */

static void descriptors(void)
{
	CURL *easy = chat(address);
	int null = open("/dev/null", O_RDWR);

	perform(easy);
	for (int fd = 3; fd < 64; fd++) {
		if (is("closefrom"))
			close(fd);
		else if (fd != null)
			dup2(null, fd);
	}
	curl_easy_cleanup(easy);
	one();
	one();
	printf("%d\n", dup(1) > 0);
}

static void *own_descriptors(void *arg)
{
	struct stat status, null;

	stat("/dev/null", &null);
	while (!over) {
		int fd[8];

		for (int i = 0; i < 8; i++)
			fd[i] = open("/dev/null", O_RDWR);
		for (int i = 0; i < 8; i++) {
			if (fstat(fd[i], &status) || status.st_rdev != null.st_rdev || close(fd[i]))
				puts("a descriptor is lost");
		}
	}
	return arg;
}

/* --- Threads with a half of their own --- */

static void *own_half(void *arg)
{
	if (unshare(CLONE_FS | CLONE_FILES) || mkdir("own", 0700) || chdir("own"))
		puts("no unshare");
	one();
	return arg;
}

static void thread_with_folder(void)
{
	pthread_t thread;

	one();
	pthread_create(&thread, NULL, own_half, NULL);
	pthread_join(thread, NULL);
	one();
}

/* --- Memory --- */

static void limited(void)
{
	CURL *easy = chat(address);
	struct rlimit limit = { 0, 0 };
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	perform(easy);
	if (!file || fscanf(file, "%ld", &pages) != 1)
		abort();
	fclose(file);
	/* What libcurl itself needs for one more handle, and little more. */
	limit.rlim_cur = limit.rlim_max = is("no more address space") ?
						  (rlim_t)pages * 4096 + (512 << 10) :
						  0;
	setrlimit(is("no more address space") ? RLIMIT_AS : RLIMIT_DATA, &limit);
	curl_easy_perform(easy);
	curl_easy_perform(easy);
	puts("alive");
}

static char *touched;
static volatile int touches;

static void on_touch(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	if ((char *)info->si_addr < touched || (char *)info->si_addr >= touched + 4096)
		_exit(99);
	touches++;
	mprotect(touched, 4096, PROT_READ | PROT_WRITE);
}

/* As collectors and virtual machines do, that learn by SIGSEGV what is used. */
static void memory_on_touch(void)
{
	struct sigaction action = { .sa_sigaction = on_touch, .sa_flags = SA_SIGINFO };
	struct curl_slist *node;
	CURL *easy = chat(address);

	touched = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	node = (struct curl_slist *)(void *)touched;
	node->data = strcpy(touched + 64, "X-Own: 1");
	node->next = NULL;
	sigaction(SIGSEGV, &action, NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, node);
	for (int i = 0; i < 3; i++) {
		mprotect(touched, 4096, PROT_NONE);
		perform(easy);
	}
	printf("%d\n", touches);
	curl_easy_cleanup(easy);
}

/* As servers do that show what they are busy with in ps(1). */
static void title(void)
{
	char *start = arguments[0], *end, **own, *name = strdup(mode);
	size_t count = 0;

	address = strdup(address);
	while (environ[count])
		count++;
	end = environ[count - 1] + strlen(environ[count - 1]);
	own = calloc(count + 1, sizeof(*own));
	for (size_t i = 0; i < count; i++)
		own[i] = strdup(environ[i]);
	mode = name;
	if (is("title"))
		environ = own;
	memset(start, 'x', (size_t)(end - start));
	one();
	one();
}

static void huge_environment(void)
{
	size_t size = 1 << 20;
	char *value = malloc(size);

	memset(value, 'x', size - 1);
	value[size - 1] = '\0';
	setenv("HUGE", value, 1);
	setenv("TAGALONG_NOTHING", value, 1);
	for (int i = 0; i < 3000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "T%d", i);
		setenv(name, "x", 1);
	}
	one();
	one();
}

/* --- Sandboxes that refuse what a request of libcurl's does not need --- */

static void on_sigsys(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
#if defined(__x86_64__)
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#else
	((ucontext_t *)context)->uc_mcontext.regs[0] = (unsigned long long)-ENOSYS;
#endif
}

static void refuse(unsigned action)
{
	static const int allowed[] = {
		SYS_read,	  SYS_write,	     SYS_close,	       SYS_socket,
		SYS_connect,	  SYS_sendto,	     SYS_recvfrom,
#ifdef SYS_poll
		SYS_poll,
#endif
		SYS_ppoll,	  SYS_setsockopt,    SYS_getsockopt,   SYS_getsockname,
		SYS_getpeername,  SYS_fcntl,	     SYS_rt_sigaction, SYS_rt_sigprocmask,
		SYS_brk,	  SYS_mmap,	     SYS_munmap,       SYS_exit_group,
		SYS_futex,	  SYS_socketpair,    SYS_pipe2,	       SYS_eventfd2,
		SYS_rt_sigreturn, SYS_clock_gettime,
	};
	const unsigned count = sizeof(allowed) / sizeof(allowed[0]);
	struct sigaction handler = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	struct sock_filter filter[64] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr)) };
	struct sock_fprog program = { (unsigned short)(count + 3), filter };

	for (unsigned i = 0; i < count; i++)
		filter[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							     (unsigned)allowed[i], count - i, 0);
	filter[count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	filter[count + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	sigaction(SIGSYS, &handler, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		puts("no sandbox");
}

static void sandboxed(unsigned action)
{
	curl_global_init(CURL_GLOBAL_DEFAULT); /* libcurl 8.23 wants random bytes */
	if (strstr(mode, "later"))
		one();
	refuse(action);
	one();
	one();
	one();
}

/* --- Before main, and after it --- */

static void set_up(char **words)
{
	arguments = words;
	mode = words[1];
	address = url(words[2], CHAT);
}

static void early(int count, char **words, char **environment)
{
	(void)environment;
	if (count != 4 || strcmp(words[1], "before every constructor"))
		return;
	set_up(words);
	one();
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **,
									      char **) = early;

__attribute__((constructor)) static void begin(int count, char **words)
{
	if (count != 4 || strcmp(words[1], "constructor and destructor"))
		return;
	set_up(words);
	one();
}

__attribute__((destructor)) static void end(void)
{
	if (mode && is("constructor and destructor"))
		one();
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 4)
		return 2;
	set_up(argv);
	if (is("vfork beside"))
		beside(start_programs);
	else if (is("clone3 beside"))
		beside(clone_programs);
	else if (is("zygote"))
		zygote();
	else if (is("exec in a thread")) {
		pthread_create(&thread, NULL, exec_in_thread, NULL);
		pthread_join(thread, NULL);
	} else if (is("no random addresses")) {
		personality(ADDR_NO_RANDOMIZE);
		again("/proc/self/exe", "plain");
	} else if (is("read implies exec")) {
		personality(READ_IMPLIES_EXEC);
		again("/proc/self/exe", "plain");
	} else if (is("deleted")) {
		deleted();
	} else if (is("deleted, second")) {
		unlink("copy");
		one();
		again("/proc/self/exe", "plain");
	} else if (is("closefrom") || is("dup2 over all"))
		descriptors();
	else if (is("a thread with a folder of its own"))
		thread_with_folder();
	else if (is("no more address space") || is("no more data"))
		limited();
	else if (is("descriptors beside"))
		beside(own_descriptors);
	else if (is("memory on touch"))
		memory_on_touch();
	else if (strstr(mode, "title"))
		title();
	else if (is("huge environment"))
		huge_environment();
	else if (strstr(mode, "sandbox that refuses"))
		sandboxed(SECCOMP_RET_ERRNO | EPERM);
	else if (strstr(mode, "sandbox that traps"))
		sandboxed(SECCOMP_RET_TRAP);
	else
		one();
	return 0;
}
