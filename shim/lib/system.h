/* SPDX-License-Identifier: MIT */
/* System calls by their numbers. Each function of libc's that the library names is a symbol for the
 * loader to bind, some 900 instructions in every process that starts; and none of these is a
 * cancellation point. As libc's: -1 and errno. */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Where user ids once had 16 bits. */
#ifdef SYS_geteuid32
#define SYSTEM_GETEUID SYS_geteuid32
#else
#define SYSTEM_GETEUID SYS_geteuid
#endif

/* Where offsets in files once had 32 bits; mmap2 counts pages. */
#ifdef SYS_fcntl64
#define SYSTEM_FCNTL SYS_fcntl64
#define SYSTEM_MMAP SYS_mmap2
#else
#define SYSTEM_FCNTL SYS_fcntl
#define SYSTEM_MMAP SYS_mmap
#endif

static inline uid_t system_geteuid(void)
{
	return (uid_t)syscall(SYSTEM_GETEUID);
}

static inline pid_t system_getpid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

static inline int system_mkdir(const char *path, mode_t mode)
{
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static inline int system_link(const char *from, const char *to)
{
	return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static inline int system_unlink(const char *path)
{
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static inline int system_openat(int folder_fd, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, folder_fd, path, flags | O_LARGEFILE, mode);
}

static inline int system_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

/* `argument`: a number, or a pointer to the kernel's struct flock64, which has other sizes in libcs. */
static inline int system_fcntl(int fd, int command, uintptr_t argument)
{
	return (int)syscall(SYSTEM_FCNTL, fd, command, argument);
}

static inline ssize_t system_read(int fd, void *ret_bytes, size_t count)
{
	return syscall(SYS_read, fd, ret_bytes, count);
}

/* preadv: its offset is in two halves on every machine. */
static inline ssize_t system_pread(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	struct iovec piece = { ret_bytes, count };

	return syscall(SYS_preadv, fd, &piece, 1, (unsigned long)offset,
		       (unsigned long)(offset >> 32));
}

static inline ssize_t system_write(int fd, const void *bytes, size_t count)
{
	return syscall(SYS_write, fd, bytes, count);
}

static inline int system_fsync(int fd)
{
	return (int)syscall(SYS_fsync, fd);
}

/* From the start of a file, or of none: MAP_FAILED and errno. */
static inline void *system_mmap(size_t bytes, int protection, int flags, int fd)
{
	return (void *)syscall(SYSTEM_MMAP, NULL, bytes, protection, flags, fd, 0);
}

static inline int system_munmap(void *memory, size_t bytes)
{
	return (int)syscall(SYS_munmap, memory, bytes);
}

static inline int system_madvise(void *memory, size_t bytes, int advice)
{
	return (int)syscall(SYS_madvise, memory, bytes, advice);
}

/* The largest size that a file of this process may have; UINT64_MAX: any. */
static inline int system_file_limit(uint64_t *ret_bytes)
{
	struct {
		uint64_t soft, hard;
	} limit;
	int result = (int)syscall(SYS_prlimit64, 0, 1 /* RLIMIT_FSIZE */, NULL, &limit);

	*ret_bytes = limit.soft;
	return result;
}

static inline int system_socket(int domain, int type)
{
	return (int)syscall(SYS_socket, domain, type, 0);
}

static inline int system_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return (int)syscall(SYS_connect, fd, address, size);
}

static inline int system_getsockopt(int fd, int name, void *ret_value, socklen_t *size)
{
	return (int)syscall(SYS_getsockopt, fd, SOL_SOCKET, name, ret_value, size);
}

static inline ssize_t system_send(int fd, const void *bytes, size_t count, int flags)
{
	return syscall(SYS_sendto, fd, bytes, count, flags, NULL, 0);
}

static inline ssize_t system_recvmsg(int fd, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, fd, message, flags);
}
