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

#include "lib/fdio.h"
#include "core/variables.h"
#include "protocol/protocol_limits.h"
#include "lib/system.h"

#define BELOW "/tagalong/context.sock"

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
