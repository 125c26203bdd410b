// SPDX-License-Identifier: MIT
/* Looking for programs as execvp(3) does. */
#include "cli/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fdio.h"
#include "lib/text.h"

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
		if (snprintf(ret_path, size, "%.*s/%s", (int)folder.len, folder.ptr, name) < (int)size &&
		    is_executable(ret_path) && !(skip && skip(ret_path)))
			return true;
	}
	return false;
}

const char *program_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
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
