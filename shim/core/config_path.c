// SPDX-License-Identifier: MIT
/* Where the configuration is, and its text. */
#include "core/config_path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/fdio.h"
#include "core/variables.h"

/* XDG Base Directory 0.8: a relative path in the variable is none. */
static bool add_user_folder(struct buf *path)
{
	const char *folder = variable_get_named("XDG_CONFIG_HOME");
	const char *home = variable_get_named("HOME");

	if (folder && folder[0] == '/') {
		buf_add(path, text_of(folder));
		return true;
	}
	if (!home || home[0] != '/')
		return false;
	buf_add(path, text_of(home));
	buf_add(path, TEXT("/.config"));
	return true;
}

int config_path(enum config_place place, struct buf *ret_path)
{
	const char *named = variable_get(VARIABLE_CONFIG);

	switch (place) {
	case CONFIG_NAMED:
		if (!named)
			return -ENOENT;
		if (named[0] != '/')
			return -EINVAL;
		buf_add(ret_path, text_of(named));
		break;
	case CONFIG_USER:
		if (!add_user_folder(ret_path))
			return -ENOENT;
		buf_add(ret_path, TEXT("/tagalong/config.json"));
		break;
	case CONFIG_SYSTEM:
		buf_add(ret_path, TEXT("/etc/tagalong/config.json"));
		break;
	}
	return ret_path->full ? -ENAMETOOLONG : 0;
}

bool config_is_absent(int result)
{
	return result == -ENOENT || result == -ENOTDIR || result == -EACCES;
}

int config_file_read(const char *path, struct buf *ret_source)
{
	struct stat status;
	int result = path_status(path, 0, &status);

	if (result < 0)
		return result;
	if (status.st_mode & S_IWOTH)
		return -EACCES;
	return file_read(AT_FDCWD, path, ret_source);
}

const char *config_file_reason(int result)
{
	switch (result) {
	case -ENOENT:
		return "there is no such file";
	case -EACCES:
		return "it may not be read, or everybody may write to it";
	case -EFBIG:
		return "it is larger than 256 KiB";
	case -EINVAL:
		return "it is no regular file, or its path is not absolute";
	case -ENOMEM:
		return "out of memory";
	default:
		return "it cannot be read";
	}
}
