// SPDX-License-Identifier: MIT
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fdio.h"

int file_load(const char *path, char **ret_bytes, size_t *ret_len)
{
	struct buf buf;
	char *memory = malloc(FILE_BYTES_MAX + 1);
	int result;

	if (!memory)
		return -ENOMEM;
	buf_init(&buf, memory, FILE_BYTES_MAX + 1);
	result = file_read(AT_FDCWD, path, &buf);
	if (result) {
		free(memory);
		return result;
	}
	*ret_bytes = memory;
	*ret_len = buf.len;
	return 0;
}

static int write_all(int fd, struct text bytes)
{
	while (bytes.len) {
		ssize_t count = write(fd, bytes.ptr, bytes.len);

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count > 0)
			bytes = text_from(bytes, (size_t)count);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(const char *path, struct text bytes)
{
	char target[PATH_MAX], fresh[PATH_MAX + 32];
	mode_t mode = 0600;
	struct stat status;
	int fd, result;

	if (!realpath(path, target)) {
		if (errno != ENOENT || snprintf(target, sizeof(target), "%s", path) >= PATH_MAX)
			return -ENAMETOOLONG;
	} else if (!stat(target, &status)) {
		mode = status.st_mode & 07777;
	}
	snprintf(fresh, sizeof(fresh), "%s.tagalong-%d", target, (int)getpid());
	fd = fd_open(AT_FDCWD, fresh, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return fd;
	result = fchmod(fd, mode) < 0 ? -errno : write_all(fd, bytes);
	fd_close(fd);
	if (!result && rename(fresh, target) < 0)
		result = -errno;
	if (result)
		unlink(fresh);
	return result;
}
