// SPDX-License-Identifier: MIT
/* Reading /proc. A pid alone names nobody for long; with its start time, and the boot that this is
 * counted from, it does. */
#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/fdio.h"

bool process_proc_is_ours(void)
{
	static int cached; /* 1 yes, -1 no, 0 not looked at yet */
	char target[24];
	unsigned long pid;
	ssize_t len;

	if (cached)
		return cached > 0;
	len = readlink("/proc/self", target, sizeof(target));
	cached = len > 0 && text_number((struct text){ target, (size_t)len }, INT_MAX, &pid) &&
				 (pid_t)pid == getpid() ?
			 1 :
			 -1;
	return cached > 0;
}

/* Reads a file below /proc as far as it fits: what we want does not stand further back. */
static int read_proc(pid_t pid, const char *name, struct buf *buf)
{
	char path[64];
	int fd, result;

	if (!process_proc_is_ours())
		return -ENOSYS;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = fd_open(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	result = fd_read(fd, buf);
	fd_close(fd);
	return result == -EFBIG ? 0 : result;
}

/* proc(5): "PID (COMM) STATE PPID ...", the start comes 22nd. COMM may hold blanks and brackets. */
bool process_parse(struct text stat, struct process *ret_process)
{
	enum { STATE = 3, PARENT = 4, START = 22 };
	ptrdiff_t open = text_find(stat, '('), close = text_find_last(stat, ')');
	unsigned long pid, parent = 0, start;
	bool has_ended = false;
	struct text rest, word;

	if (open < 1 || close < open ||
	    !text_number((struct text){ stat.ptr, (size_t)open - 1 }, INT_MAX, &pid))
		return false;
	rest = text_from(stat, (size_t)close + 2);
	for (int i = STATE; i <= START; i++) {
		if (!text_next(&rest, ' ', &word))
			return false;
		if (i == STATE)
			has_ended = text_eq(word, TEXT("Z")) || text_eq(word, TEXT("X"));
		if (i == PARENT && !text_number(word, INT_MAX, &parent))
			return false;
	}
	if (!text_number(word, ULONG_MAX, &start))
		return false;
	*ret_process = (struct process){ (pid_t)pid, (pid_t)parent, start, has_ended };
	return true;
}

int process_lookup(void *arg, pid_t pid, struct process *ret_process)
{
	char memory[1024];
	struct buf stat;
	int result;

	buf_init(&stat, memory, sizeof(memory));
	result = read_proc(pid, "stat", &stat);
	if (result)
		return result == -ENOENT ? -ESRCH : result;
	return process_parse(buf_since(&stat, 0), ret_process) ? 0 : -EBADMSG;
}

/* "NSpid:" lists the process's numbers in the namespaces from ours down to its own. */
bool process_shares_pids(pid_t pid)
{
	struct text rest, line;
	char memory[4096];
	struct buf status;

	buf_init(&status, memory, sizeof(memory));
	if (pid <= 0 || read_proc(pid, "status", &status))
		return false;
	rest = buf_since(&status, 0);
	while (text_next(&rest, '\n', &line)) {
		if (!text_starts_with(line, TEXT("NSpid:")))
			continue;
		line = text_trim(text_from(line, sizeof("NSpid:") - 1));
		return text_find(line, '\t') < 0;
	}
	return false;
}

uint64_t process_ticks(void)
{
	uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * per_second +
	       (uint64_t)now.tv_nsec / (1000000000 / per_second);
}

int process_pidfd(pid_t pid)
{
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same on all architectures; glibc has a wrapper from 2.36 */
#endif
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

int process_peer_pidfd(int socket_fd)
{
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
	int fd = -1;
	socklen_t size = sizeof(fd);

	return getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) < 0 ? -errno : fd;
}

int process_boot_id(struct buf *buf)
{
	size_t start = buf->len;
	int result = file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", buf);

	if (!result && buf->len > start)
		buf_cut(buf, buf->len - 1); /* its LF */
	return result;
}
