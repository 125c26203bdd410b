// SPDX-License-Identifier: MIT
/* Writing beside what is a person's own: nothing is overwritten by a race, nothing is half there. */
#include "cli/wrap/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/limits.h"
#include "cli/file.h"

char *own_file_read(const char *path)
{
	char *text;
	size_t len;

	return file_load(path, &text, &len) ? NULL : text;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t written = write(fd, text, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		len -= (size_t)written;
	}
	return 0;
}

static int fill(int fd, mode_t mode, const char *text)
{
	int result = write_all(fd, text);

	if (!result && fchmod(fd, mode) < 0)
		result = -errno;
	if (close(fd) < 0 && !result)
		result = -errno;
	return result;
}

int own_file_write(const char *path, mode_t mode, const char *text, bool replace)
{
	char made[PATH_BYTES_MAX];
	int fd, result;

	if (snprintf(made, sizeof(made), "%s.XXXXXX", path) >= (int)sizeof(made))
		return -ENAMETOOLONG;
	fd = mkostemp(made, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = fill(fd, mode, text);
	/* A link does not take the place of what is there. */
	if (!result && (replace ? rename(made, path) : link(made, path)) < 0)
		result = -errno;
	if (result || !replace)
		unlink(made);
	return result;
}

int own_folder_make(const char *path)
{
	char part[PATH_BYTES_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}
