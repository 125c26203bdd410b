// SPDX-License-Identifier: MIT
/* What `tagalong run` does with the context service before it becomes the command. */
#include "cli/launch.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "core/variables.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "protocol/socket_path.h"

/* A service that was started here ends when it has no scope left and was idle for ten minutes. */
#define IDLE_EXIT_SECONDS "600"
/* How long a service that was just started may take to listen. */
#define START_MS 2000
#define POLL_MS 5
/* How long the command waits for its scope when the disk is busy, or the service hangs. */
#define OPEN_MS 2000

/* Whether the folder is there in which the socket's own folder is made: the run-time folder of a
 * session, never the root. */
static bool has_place(const char *path)
{
	char copy[WIRE_PATH_BYTES_MAX];
	struct stat status;
	const char *above;

	snprintf(copy, sizeof(copy), "%s", path);
	above = dirname(dirname(copy));
	return strcmp(above, "/") != 0 && !stat(above, &status) && S_ISDIR(status.st_mode);
}

/* The service outlives the command, so it gets none of its descriptors: a lock that a script holds
 * by one (flock(1)) would stay taken, and the reader of a pipe would never see its end. */
static void close_from(unsigned first)
{
#ifndef SYS_close_range
#define SYS_close_range 436 /* the same on all architectures; glibc has a wrapper from 2.34 */
#endif
	struct rlimit limit = { .rlim_cur = 1024 };

	if (!syscall(SYS_close_range, first, ~0U, 0))
		return;
	getrlimit(RLIMIT_NOFILE, &limit); /* before Linux 5.9 */
	for (rlim_t fd = first; fd < limit.rlim_cur; fd++)
		close((int)fd);
}

static void exec_service(void)
{
	char program[PATH_MAX]; /* its own name, so that ps shows it */
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int null = open("/dev/null", O_RDWR);

	if (len <= 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    chdir("/") < 0)
		_exit(EXIT_TROUBLE);
	program[len] = '\0';
	close_from(3);
	setsid();
	/* It is nobody's request, and it must not be in a scope of its own making. */
	unsetenv("LD_PRELOAD");
	unsetenv(variable_name(VARIABLE_SCOPE));
	execl(program, "tagalong", "serve", "--idle-exit", IDLE_EXIT_SECONDS, (char *)NULL);
	_exit(EXIT_TROUBLE);
}

/* Starts a service as a child's child, so that the command that we become has no child that it does
 * not know. Its pid, or 0. */
static pid_t start_service(void)
{
	pid_t child, service = 0;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	child = fork();
	if (!child) {
		service = fork();
		if (!service)
			exec_service();
		_exit(write(ends[1], &service, sizeof(service)) == sizeof(service) ? 0 : 1);
	}
	close(ends[1]);
	if (child > 0)
		waitpid(child, NULL, 0);
	if (child < 0 || read(ends[0], &service, sizeof(service)) != sizeof(service))
		service = 0;
	close(ends[0]);
	return service > 0 ? service : 0;
}

static bool start_and_connect(struct ask *ask)
{
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
	uint64_t deadline_ms = clock_monotonic_ms() + START_MS;
	pid_t service = start_service();
	struct pollfd ended = { .events = POLLIN };
	bool up = false;

	if (!service)
		return false;
	/* -1 before Linux 5.3: poll only waits. */
	ended.fd = (int)syscall(SYS_pidfd_open, service, 0);
	while (!up && clock_monotonic_ms() < deadline_ms) {
		/* Another one may have been faster: then ours ends, and that one answers. */
		if (poll(&ended, 1, POLL_MS) > 0)
			deadline_ms = 0;
		up = ask_connect(ask);
	}
	fd_close(ended.fd);
	return up;
}

/* Connects, to a service that is started where there is none. */
static bool connect_service(struct ask *ask, bool reports)
{
	char path[WIRE_PATH_BYTES_MAX];
	struct buf buf;

	buf_init(&buf, path, sizeof(path));
	if (socket_path(&buf)) {
		if (reports)
			report_error("%s is not the path of a socket",
				     variable_name(VARIABLE_SOCKET));
		return false;
	}
	ask->is_quiet = true;
	if (!ask_connect(ask) && !(has_place(path) && start_and_connect(ask))) {
		if (reports)
			report_error(
				"no context service at %s, and it cannot be started: continuing "
				"without it",
				path);
		return false;
	}
	ask->is_quiet = !reports;
	return true;
}

/* A scope for this process, and what its variables say goes from the environment into it. */
static void open_scope(struct ask *ask)
{
	/* Without a pid: in another pid namespace than the service's it would mean another
	 * process. */
	struct wire_request request = {
		.op = WIRE_OPEN,
		.target = WIRE_OWN,
		.scope = text_of(variable_get(VARIABLE_SCOPE)),
	};
	const char *values[FIELD_COUNT];
	struct wire_reply reply;
	char *name;
	bool set;

	for (enum field field = 0; field < FIELD_COUNT; field++)
		values[field] = variable_get_named(field_variable(field));
	ask_fill(&request, values);
	if (!ask_exchange(ask, &request, OPEN_MS, &reply))
		return;
	name = text_copy(reply.scope);
	set = name[0] && !setenv(variable_name(VARIABLE_SCOPE), name, 1);
	free(name);
	for (enum field field = 0; set && field < FIELD_COUNT; field++) {
		if (request.value[field].len && !wire_is_trio(field))
			unsetenv(field_variable(field));
	}
}

void scope_open(const char *parent, bool reports)
{
	const struct wire_request request = { .op = WIRE_OPEN,
					      .target = WIRE_NAMED,
					      .scope = text_of(parent) };
	struct ask *ask = calloc(1, sizeof(*ask));
	struct wire_reply reply;

	reports |= parent != NULL; /* it was asked for by name */
	if (ask && connect_service(ask, reports)) {
		/* The named scope around ours. Where it cannot be opened, its name still is the
		 * place for ours: the service puts them together when the shared store is back. */
		if (parent && !setenv(variable_name(VARIABLE_SCOPE), parent, 1))
			ask_exchange(ask, &request, OPEN_MS, &reply);
		open_scope(ask);
		ask_close(ask);
	}
	free(ask);
}
