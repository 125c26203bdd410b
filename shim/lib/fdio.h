/* SPDX-License-Identifier: MIT */
/* open and socket wrappers: CLOEXEC, never descriptor 0 to 2, non-blocking. No thread is cancelled
 * in here. */
#pragma once

#include <sys/stat.h>

#include "lib/buf.h"

/* open(2) that adds O_CLOEXEC, O_NOCTTY and O_NONBLOCK (so that a FIFO does not block) and gives a
 * descriptor of 3 or more, also in a host that runs with 0 to 2 closed. Or a negative errno. */
int fd_open(int folder_fd, const char *path, int flags, mode_t mode);

/* socket(2) in the same way. */
int fd_socket(int domain, int type);

/* close(2) that leaves errno alone; a negative fd is none. */
void fd_close(int fd);
/* One write(2) that raises neither SIGPIPE nor SIGXFSZ. 0, or a negative errno; -EIO when less
 * went. */
int fd_write(int fd, struct text text);
/* fsync(2): 0 or a negative errno. */
int fd_sync(int fd);

/* An exclusive lock (F_OFD_SETLK of fcntl(2)), held until the descriptor is closed; and whether
 * somebody else has one. 0 or a negative errno: -EAGAIN when another has it. */
int fd_lock(int fd);
bool fd_is_locked(int fd);

/* fstat(2) and stat(2), or with AT_SYMLINK_NOFOLLOW lstat(2): 0 or a negative errno. */
int fd_status(int fd, struct stat *ret_status);
int path_status(const char *path, int flags, struct stat *ret_status);

/* Appends what is left of a file, however small the pieces that it comes in. 0 or a negative
 * errno: -EFBIG when it does not fit. */
int fd_read(int fd, struct buf *buf);

/* Appends a regular file's bytes to the buffer. 0 or a negative errno: -EFBIG when it does not fit
 * (nothing is appended), -EINVAL when it is no regular file. */
int file_read(int folder_fd, const char *path, struct buf *buf);
