// SPDX-License-Identifier: MIT
/* Asking another program. */
#include "cli/doctor/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char *const argv[], const char *variable, int output)
{
	int nothing = open("/dev/null", O_RDWR);

	unsetenv("LD_PRELOAD");
	if (variable)
		setenv(variable, "1", 1);
	dup2(nothing, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static void take(int fd, char *ret_text, size_t size)
{
	char beyond[4096];
	size_t len = 0;

	for (;;) {
		size_t room = size - 1 - len;
		ssize_t got = room ? read(fd, ret_text + len, room) :
				     read(fd, beyond, sizeof(beyond));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += room ? (size_t)got : 0;
	}
	ret_text[len] = '\0';
}

int capture(char *const argv[], const char *variable, char *ret_text, size_t size)
{
	int ends[2], status;
	pid_t child;

	ret_text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (!child)
		become(argv, variable, ends[1]);
	close(ends[1]);
	if (child > 0)
		take(ends[0], ret_text, size);
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}
