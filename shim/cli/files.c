// SPDX-License-Identifier: MIT
/* Reading and writing small files, and finding programs as execvp(3) does. A file is written
 * without a name and gets one when it is complete, so that a program that is killed leaves nothing
 * behind. */
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/variables.h"
#include "lib/fdio.h"

int file_load(const char *path, char **ret_bytes, size_t *ret_len)
{
	struct stat status;
	struct buf buf;
	char *memory = malloc(FILE_BYTES_MAX + 1);
	int result;

	if (!memory)
		return -ENOMEM;
	buf_init(&buf, memory, FILE_BYTES_MAX + 1);
	result = file_read(AT_FDCWD, path, &buf);
	if (result) {
		free(memory);
		return result == -ENOENT && !lstat(path, &status) ? -ENOLINK : result;
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

int file_write(const char *path, struct text bytes, mode_t mode, enum file_policy policy)
{
	char target[PATH_MAX], folder[PATH_MAX], fresh[PATH_MAX + 16], link_name[32];
	bool unnamed = true;
	struct stat status;
	int fd, result;

	if (policy == FILE_REPLACE && realpath(path, target)) {
		if (!stat(target, &status))
			mode = status.st_mode & 07777;
	} else if (snprintf(target, sizeof(target), "%s", path) >= PATH_MAX) {
		return -ENAMETOOLONG;
	}
	snprintf(folder, sizeof(folder), "%.*s",
		 (int)(strrchr(target, '/') ? strrchr(target, '/') - target : 0), target);
	snprintf(fresh, sizeof(fresh), "%s.XXXXXX", target);
	fd = open(folder[0]	   ? folder :
		  target[0] == '/' ? "/" :
				     ".",
		  O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		/* A file system that has no files without a name. */
		fd = mkostemp(fresh, O_CLOEXEC);
		unnamed = false;
	}
	if (fd < 0)
		return -errno;
	result = fchmod(fd, mode) < 0 ? -errno : write_all(fd, bytes);
	if (!result && unnamed) {
		/* A link does not take the place of what is there, so that a file to be replaced
		 * needs one name more; what a killed program left under it is complete, and
		 * goes. */
		snprintf(link_name, sizeof(link_name), "/proc/self/fd/%d", fd);
		if (policy == FILE_REPLACE)
			snprintf(fresh, sizeof(fresh), "%s.tagalong-new", target);
		else
			snprintf(fresh, sizeof(fresh), "%s", target);
		if (policy == FILE_REPLACE)
			unlink(fresh);
		if (linkat(AT_FDCWD, link_name, AT_FDCWD, fresh, AT_SYMLINK_FOLLOW) < 0)
			result = -errno;
	}
	if (!result && !(unnamed && policy == FILE_NEW) &&
	    (policy == FILE_REPLACE ? rename(fresh, target) : link(fresh, target)) < 0)
		result = -errno;
	if (unnamed ? policy == FILE_REPLACE && result : result || policy == FILE_NEW)
		unlink(fresh);
	fd_close(fd);
	return result;
}

void refuse_foreign_home(void)
{
	const char *home = variable_get_named("HOME");
	struct stat status;

	if (!geteuid() && home && !stat(home, &status) && status.st_uid)
		die(EXIT_TROUBLE,
		    "HOME is %s, which belongs to user %u, and this is root: run it as that user, "
		    "or with HOME=/root",
		    home, (unsigned)status.st_uid);
}

static bool is_executable(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, X_OK);
}

bool program_find(const char *name, bool (*skip)(const char *path), char *ret_path, size_t size)
{
	const char *list = getenv("PATH");
	struct text rest = text_of(list ? list : "/usr/local/bin:/usr/bin:/bin"), folder;

	if (strchr(name, '/'))
		return snprintf(ret_path, size, "%s", name) < (int)size && is_executable(ret_path);
	while (name[0] && text_next(&rest, ':', &folder)) {
		if (!folder.len)
			folder = TEXT(".");
		if (snprintf(ret_path, size, "%.*s/%s", (int)folder.len, folder.ptr, name) <
			    (int)size &&
		    is_executable(ret_path) && !(skip && skip(ret_path)))
			return true;
	}
	return false;
}

bool program_is_appimage(const char *path)
{
	/* AppImage specification, "Image format": "AI" and the type in ELF's padding. */
	char head[11];
	int fd = fd_open(AT_FDCWD, path, O_RDONLY, 0);
	ssize_t got = fd < 0 ? -1 : read(fd, head, sizeof(head));

	fd_close(fd);
	return got == sizeof(head) && !memcmp(head, "\177ELF", 4) && head[8] == 'A' &&
	       head[9] == 'I' && (head[10] == 1 || head[10] == 2);
}
