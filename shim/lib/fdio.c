// SPDX-License-Identifier: MIT
/* The one place where files are opened. */
#include "lib/fdio.h"
#include "lib/system.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/quiet.h"

/* A shim that was built with glibc 2.33 is to run with an older one, too, which has fstatat by
 * this name only. It is still there; its first argument says which struct stat is meant. */
#if __GLIBC_PREREQ(2, 33) && defined(__x86_64__)
#define STAT_VERSION 1
#elif __GLIBC_PREREQ(2, 33) && defined(__aarch64__)
#define STAT_VERSION 0
#elif __GLIBC_PREREQ(2, 33) && defined(__i386__)
#define STAT_VERSION 3
#endif
#ifdef STAT_VERSION
/* On 64 bits, musl has no name for large files. */
#if __SIZEOF_POINTER__ == 8
#define FXSTATAT __fxstatat
#else
#define FXSTATAT __fxstatat64
#endif
extern int FXSTATAT(int version, int folder_fd, const char *path, struct stat *ret_status,
		    int flags);
#endif

static int status_at(int folder_fd, const char *path, int flags, struct stat *ret_status)
{
#ifdef STAT_VERSION
	int result = FXSTATAT(STAT_VERSION, folder_fd, path, ret_status, flags);
#else
	int result = fstatat(folder_fd, path, ret_status, flags);
#endif

	return result < 0 ? -errno : 0;
}

int fd_status(int fd, struct stat *ret_status)
{
	return status_at(fd, "", AT_EMPTY_PATH, ret_status);
}

int path_status(const char *path, int flags, struct stat *ret_status)
{
	return status_at(AT_FDCWD, path, flags, ret_status);
}

/* Takes what open or socket returned. */
static int above_standard(int fd)
{
	int higher;

	if (fd < 0)
		return -errno;
	if (fd > 2)
		return fd;
	/* The host runs without 0, 1 or 2: what it opens next is to get that number, not us. */
	higher = system_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (higher < 0)
		higher = -errno;
	fd_close(fd);
	return higher;
}

int fd_open(int folder_fd, const char *path, int flags, mode_t mode)
{
	int fd;

	do {
		fd = system_openat(folder_fd, path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				   mode);
	} while (fd < 0 && errno == EINTR);
	return above_standard(fd);
}

int fd_socket(int domain, int type)
{
	return above_standard(system_socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK));
}

void fd_close(int fd)
{
	int saved = errno;

	if (fd < 0)
		return;
	/* Never retried: Linux has released the number even when it reports EINTR. */
	system_close(fd);
	errno = saved;
}

/* The kernel's struct flock64, for fcntl(2) itself: what a libc calls struct flock is of another
 * size in glibc and in musl where a long has 32 bits. */
struct whole_file_lock {
	short type, whence; /* the same for all of the file: 0 */
	int64_t start, len;
	int32_t pid;
};

int fd_lock(int fd)
{
	struct whole_file_lock lock = { .type = F_WRLCK };

	return system_fcntl(fd, F_OFD_SETLK, (uintptr_t)&lock) ? -errno : 0;
}

bool fd_is_locked(int fd)
{
	struct whole_file_lock lock = { .type = F_RDLCK };

	return !system_fcntl(fd, F_OFD_GETLK, (uintptr_t)&lock) && lock.type == F_WRLCK;
}

int fd_write(int fd, struct text text)
{
	const struct {
		long sec, nsec;
	} now = { 0, 0 };
	struct signal_set quiet = { { 1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1) } }, pending,
			  before;
	ssize_t written;
	int result;

	/* What waits already is the host's, and stays. */
	if (signals_pending(&pending) || pending.bits[0] & quiet.bits[0] ||
	    signals_block(&quiet, &before))
		return -EIO;
	written = system_write(fd, text.ptr, text.len);
	result = written < 0 ? -errno : (size_t)written < text.len ? -EIO : 0;
	if (result == -EPIPE || result == -EFBIG)
		syscall(SYS_rt_sigtimedwait, &quiet, NULL, &now, sizeof(quiet));
	signals_restore(&before);
	return result;
}

int fd_sync(int fd)
{
	return system_fsync(fd) < 0 ? -errno : 0;
}

int fd_read(int fd, struct buf *buf)
{
	for (;;) {
		size_t space = buf->size - buf->len - 1;
		ssize_t got;
		char probe;

		/* A full buffer is right when the file ends here. */
		got = space ? system_read(fd, buf->data + buf->len, space) :
			      system_read(fd, &probe, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return 0;
		if (!space)
			return -EFBIG;
		buf->len += (size_t)got;
		buf->data[buf->len] = '\0';
	}
}

int file_read(int folder_fd, const char *path, struct buf *buf)
{
	size_t start = buf->len;
	struct stat status;
	int fd, result;

	fd = fd_open(folder_fd, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	result = fd_status(fd, &status);
	if (!result)
		result = S_ISREG(status.st_mode) ? fd_read(fd, buf) : -EINVAL;
	fd_close(fd);
	if (result < 0)
		buf_cut(buf, start);
	return result;
}
