// SPDX-License-Identifier: MIT
/* Folders of the user; and where looking at one may take for ever. */
#include "core/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/variables.h"
#include "lib/fdio.h"
#include "lib/limits.h"
#include "lib/system.h"

bool folder_of_user(struct buf *path, const char *variable, const char *below)
{
	const char *named = variable_get_named(variable), *home = variable_get_named("HOME");

	if (named && named[0] == '/') {
		buf_add(path, text_of(named));
		return true;
	}
	if (!home || home[0] != '/')
		return false;
	buf_add(path, text_of(home));
	buf_add(path, text_of(below));
	return true;
}

bool folder_of_state(struct buf *path)
{
	if (!folder_of_user(path, "XDG_STATE_HOME", "/.local/state"))
		return false;
	buf_add(path, TEXT("/tagalong"));
	return !path->full;
}

int folder_make(const char *path, mode_t mode)
{
	char *part = string_copy(path);
	int result = part ? 0 : -ENOMEM;

	for (char *end = part; !result && *end;) {
		char next;

		end += strcspn(end + 1, "/") + 1;
		next = *end;
		*end = '\0';
		if (system_mkdir(part, mode) < 0 && errno != EEXIST)
			result = -errno;
		*end = next;
	}
	free(part);
	return result;
}

int folder_identify(struct folder_id *ret_id)
{
	struct statx extended;
	struct stat status;
	int result;

	/* What the kernel has, without asking a server. */
	if (!syscall(SYS_statx, AT_FDCWD, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO,
		     &extended)) {
		*ret_id = (struct folder_id){
			.device = makedev(extended.stx_dev_major, extended.stx_dev_minor),
			.inode = extended.stx_ino,
		};
		return 0;
	}
	result = path_status(".", 0, &status); /* before Linux 4.11 */
	*ret_id = (struct folder_id){ .device = status.st_dev, .inode = status.st_ino };
	return result;
}

static bool type_may_hang(struct text type)
{
	static const char starts[][8] = { "nfs",    "cifs", "smb",  "fuse",   "ceph", "afs",
					  "lustre", "gfs",  "ocfs", "autofs", "coda", "ncp" };

	if (text_eq(type, TEXT("fuse.fuse-overlayfs")) || text_eq(type, TEXT("fuseblk")))
		return false; /* a container's root; a disk */
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (text_starts_with(type, text_of(starts[i])))
			return true;
	}
	return false;
}

/* The n-th field of a line, as proc(5) has them. */
static struct text field_of(struct text line, unsigned n)
{
	struct text word = { NULL, 0 };

	while (n-- && text_next(&line, ' ', &word))
		;
	return word;
}

/* Whether the mount is the folder's: its device, or where the path is, and how far that goes. */
static size_t is_mount_of(struct text line, const struct folder_id *id, const char *path)
{
	struct text numbers = field_of(line, 3), point = field_of(line, 5), major, minor;
	unsigned long one, two;

	if (path)
		return point.len && text_starts_with(text_of(path), point) &&
				       (point.len == 1 || path[point.len] == '/' ||
					!path[point.len]) ?
			       point.len :
			       0;
	return text_next(&numbers, ':', &major) && text_next(&numbers, ':', &minor) &&
	       text_number(major, UINT32_MAX, &one) && text_number(minor, UINT32_MAX, &two) &&
	       makedev(one, two) == id->device;
}

bool folder_may_hang(const struct folder_id *id, const char *path)
{
	size_t size = 65536, best = 0;
	bool may_hang = false;
	struct text rest, line;
	struct buf buf;
	char *memory;
	int fd;

	if (!path && major(id->device))
		return false; /* a disk */
	memory = malloc(size);
	fd = memory ? fd_open(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY, 0) : -1;
	if (fd >= 0) {
		buf_init(&buf, memory, size);
		fd_read(fd, &buf); /* of a longer one the beginning counts */
		rest = buf_since(&buf, 0);
		while (text_next(&rest, '\n', &line)) {
			struct text type = line;
			size_t matched = is_mount_of(line, id, path);
			ptrdiff_t dash;

			/* A later mount stands over an earlier one. */
			while ((dash = text_find(type, '-')) >= 0 &&
			       !text_starts_with(text_from(type, (size_t)dash), TEXT("- ")))
				type = text_from(type, (size_t)dash + 1);
			if (!matched || matched < best || dash < 1 || type.ptr[dash - 1] != ' ')
				continue;
			best = matched;
			may_hang = type_may_hang(field_of(text_from(type, (size_t)dash + 2), 1));
		}
	}
	fd_close(fd);
	free(memory);
	return may_hang;
}
