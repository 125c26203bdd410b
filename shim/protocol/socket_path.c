// SPDX-License-Identifier: MIT
/* The socket's place. Whoever could put another socket there could answer in the service's name, so
 * the folder is looked at, and then who really answers (SO_PEERCRED). */
#include "protocol/socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "core/variables.h"
#include "protocol/protocol_limits.h"
#include "lib/system.h"

#define BELOW "/tagalong/context.sock"
/* From the socket up to a folder that is there: /run, where nobody has logged in. */
#define LEVELS_MAX 4

int socket_path(struct buf *ret_path)
{
	const char *configured = variable_get(VARIABLE_SOCKET);
	const char *folder = variable_get_named("XDG_RUNTIME_DIR");

	if (configured) {
		if (configured[0] != '/')
			return -EINVAL;
		buf_add(ret_path, text_of(configured));
	} else if (folder && folder[0] == '/') {
		buf_add(ret_path, text_of(folder));
		buf_add(ret_path, TEXT(BELOW));
	} else {
		buf_add(ret_path, TEXT("/run/user/"));
		/* As at the start: asking is a system call, which a sandbox may not allow. */
		buf_number(ret_path, getauxval(AT_EUID));
		buf_add(ret_path, TEXT(BELOW));
	}
	return ret_path->full ? -ENAMETOOLONG : 0;
}

int socket_address(const char *path, struct sockaddr_un *ret_address)
{
	struct text text = text_of(path);

	_Static_assert(sizeof(ret_address->sun_path) == WIRE_PATH_BYTES_MAX, "unix(7)");
	if (text.len >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_address->sun_path, text.ptr, text.len);
	return 0;
}

bool socket_user_is_trusted(uid_t uid)
{
	return uid == system_geteuid() || uid == 0;
}

const char *socket_folder_status_fault(const struct stat *status)
{
	bool ours = status->st_uid == system_geteuid();

	if (S_ISLNK(status->st_mode))
		return "its folder is a symlink";
	if (!S_ISDIR(status->st_mode))
		return "its folder is not a directory";
	if (!socket_user_is_trusted(status->st_uid))
		return "its folder belongs to another user";
	if (status->st_mode & (ours && system_geteuid() ? 077 : 022))
		return "its folder is open to other users";
	return NULL;
}

const char *socket_folder_fault(const char *path)
{
	char folder[WIRE_PATH_BYTES_MAX];
	ptrdiff_t slash = text_find_last(text_of(path), '/');
	struct stat status;
	int result;

	if (slash < 0 || (size_t)slash >= sizeof(folder))
		return "its path is too long or not absolute";
	memcpy(folder, path, (size_t)slash);
	folder[slash] = '\0';
	result = path_status(slash ? folder : "/", AT_SYMLINK_NOFOLLOW, &status);
	if (result < 0)
		return result == -ENOENT ? "there is no socket" : "its folder cannot be accessed";
	return socket_folder_status_fault(&status);
}

const char *socket_fault(const char *path)
{
	const char *fault = socket_folder_fault(path);
	struct stat status;
	int result;

	if (fault)
		return fault;
	result = path_status(path, AT_SYMLINK_NOFOLLOW, &status);
	if (result < 0)
		return result == -ENOENT ? "there is no socket" : "it cannot be accessed";
	if (!S_ISSOCK(status.st_mode))
		return "it is not a socket";
	return socket_user_is_trusted(status.st_uid) ? NULL : "it belongs to another user";
}

/* Finds the folder that would change if a socket came. It is no symlink, of which only the target
 * would change; nor of a file system that makes up names when asked (/proc, autofs), whose folders
 * have no size. Of two changes in one tick of the kernel's clock the second does not show, so the
 * last one has to be a while ago. */
static void find_folder(struct socket_absence *absence)
{
	char socket[sizeof(absence->path)];
	struct stat folder, status;
	int result = -ENOENT;

	memcpy(socket, absence->path, sizeof(socket));
	for (int level = 0; result == -ENOENT && level < LEVELS_MAX; level++) {
		ptrdiff_t slash = text_find_last(text_of(absence->path), '/');

		if (slash <= 0)
			break;
		absence->path[slash] = '\0';
		result = path_status(absence->path, AT_SYMLINK_NOFOLLOW, &folder);
	}
	if (!result && S_ISDIR(folder.st_mode) && folder.st_size > 0 &&
	    clock_unix_ms() / 1000 > (uint64_t)folder.st_ctim.tv_sec + 1 &&
	    path_status(socket, AT_SYMLINK_NOFOLLOW, &status)) {
		absence->inode = folder.st_ino;
		absence->device = folder.st_dev;
		absence->changed = folder.st_ctim;
	} else
		memcpy(absence->path, socket, sizeof(socket));
}

/* To look for the socket each time would be as simple, but tmpfs does not cache that a name is not
 * there, and what each look makes in the kernel is freed later (RCU): a client that reads a streamed
 * answer had a fifth more of the processor's time. */
bool socket_is_absent(struct socket_absence *absence)
{
	struct stat status;
	int result = path_status(absence->path, AT_SYMLINK_NOFOLLOW, &status);

	if (absence->inode)
		return !result && status.st_ino == absence->inode &&
		       status.st_dev == absence->device &&
		       status.st_ctim.tv_sec == absence->changed.tv_sec &&
		       status.st_ctim.tv_nsec == absence->changed.tv_nsec;
	if (!result)
		return false;
	absence->looks++;
	if (!(absence->looks & (absence->looks - 1))) /* more and more rarely */
		find_folder(absence);
	return true;
}

bool socket_peer_ok(int fd, pid_t *ret_pid)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (system_getsockopt(fd, SO_PEERCRED, &peer, &size) < 0 ||
	    !socket_user_is_trusted(peer.uid))
		return false;
	if (ret_pid)
		*ret_pid = peer.pid;
	return true;
}
