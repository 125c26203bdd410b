// SPDX-License-Identifier: MIT
/* Listening. A lock beside the socket decides who may replace it: a service that died leaves both
 * behind, but the kernel has let go of its lock. */
#include "daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fdio.h"
#include "core/folder.h"
#include "core/variables.h"
#include "lib/text.h"
#include "daemon/notice.h"
#include "protocol/socket_path.h"

/* sd_listen_fds(3): the first descriptor that is passed, and the only one we take. */
#define ACTIVATED_FD 3

static bool is_number(const char *name, unsigned long wanted)
{
	const char *value = getenv(name);
	unsigned long number;

	return value && text_number(text_of(value), 0x7FFFFFFF, &number) && number == wanted;
}

static bool take_activated(struct listener *listener)
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address), int_size = sizeof(int);
	int type = 0, listens = 0;
	bool ours = is_number("LISTEN_PID", (unsigned long)getpid()) && is_number("LISTEN_FDS", 1);

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours || getsockopt(ACTIVATED_FD, SOL_SOCKET, SO_TYPE, &type, &int_size) < 0 ||
	    getsockopt(ACTIVATED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) < 0 ||
	    type != SOCK_STREAM || !listens ||
	    getsockname(ACTIVATED_FD, (struct sockaddr *)&address, &size) < 0 ||
	    address.sun_family != AF_UNIX || size == sizeof(address))
		return false;
	fcntl(ACTIVATED_FD, F_SETFD, FD_CLOEXEC);
	fcntl(ACTIVATED_FD, F_SETFL, O_NONBLOCK);
	listener->fd = ACTIVATED_FD;
	listener->activated = true;
	memcpy(listener->path, address.sun_path, sizeof(address.sun_path));
	return true;
}

static int find_path(const char *wanted, struct listener *listener)
{
	struct buf path;
	int result;

	buf_init(&path, listener->path, sizeof(listener->path));
	if (wanted)
		buf_add(&path, text_of(wanted));
	result = !wanted ? socket_path(&path) : wanted[0] == '/' && !path.full ? 0 : -EINVAL;
	if (result)
		notice_warning("%s: the path of a socket has to be absolute, with at most %d bytes",
			       wanted ? wanted : variable_name(VARIABLE_SOCKET),
			       WIRE_PATH_BYTES_MAX - 1);
	return result;
}

static int prepare_folder(const char *path)
{
	char folder[WIRE_PATH_BYTES_MAX];
	struct text text = text_of(path);
	const char *fault;

	memcpy(folder, path, text.len + 1);
	folder[text_find_last(text, '/')] = '\0';
	folder_make(folder, 0700);
	fault = socket_folder_fault(path);
	if (!fault)
		return 0;
	notice_warning("%s: %s", path, fault);
	return -EPERM;
}

static int take_lock(struct listener *listener)
{
	static const char suffix[] = ".lock";
	char path[sizeof(listener->path) + sizeof(suffix)];
	struct buf name;
	int result = 0;

	buf_init(&name, path, sizeof(path));
	buf_add(&name, text_of(listener->path));
	buf_add(&name, text_of(suffix));
	listener->lock_fd = fd_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (listener->lock_fd < 0) {
		notice_warning("%s: %s", path, strerror(-listener->lock_fd));
		return listener->lock_fd;
	}
	if (flock(listener->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		result = -errno;
		notice_warning("another service has the socket %s", listener->path);
	}
	return result == -EWOULDBLOCK ? -EADDRINUSE : result;
}

/* Under the lock, and yet there may be somebody who does not take it: systemd for its own socket,
 * or another program that speaks the protocol. Whoever listens keeps the socket. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int fd, result = 0;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	fd = fd_socket(AF_UNIX, SOCK_STREAM);
	if (fd < 0)
		return fd;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		result = -EADDRINUSE;
	fd_close(fd);
	if (!result && unlink(address->sun_path) < 0)
		result = -errno;
	return result;
}

static int bind_socket(struct listener *listener, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	struct stat status;
	int result = 0;

	/* Born with 0600: no moment in which others could connect. */
	if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		result = -errno;
	umask(before);
	if (result)
		return result;
	if (listen(listener->fd, SOMAXCONN) < 0 || lstat(address->sun_path, &status) < 0)
		return -errno;
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return 0;
}

static int make_listening(struct listener *listener)
{
	struct sockaddr_un address;
	int result;

	result = socket_address(listener->path, &address);
	if (!result)
		result = remove_stale(&address);
	if (result)
		goto out;
	listener->fd = fd_socket(AF_UNIX, SOCK_STREAM);
	result = listener->fd < 0 ? listener->fd : bind_socket(listener, &address);
out:
	if (result == -EADDRINUSE)
		notice_warning("another process listens on %s", listener->path);
	else if (result)
		notice_warning("%s: %s", listener->path, strerror(-result));
	return result;
}

int listener_open(const char *path, struct listener *ret_listener)
{
	struct listener listener = { .fd = -1, .lock_fd = -1 };
	int result = 0;

	if (!take_activated(&listener)) {
		result = find_path(path, &listener);
		if (!result)
			result = prepare_folder(listener.path);
	}
	/* An abstract address has no file, and systemd is the only one to listen on it. */
	if (!result && listener.path[0])
		result = take_lock(&listener);
	if (!result && !listener.activated)
		result = make_listening(&listener);
	if (result) {
		listener_close(&listener);
		return result;
	}
	*ret_listener = listener;
	return 0;
}

void listener_close(struct listener *listener)
{
	struct stat status;

	if (listener->fd >= 0 && !listener->activated && listener->inode &&
	    !lstat(listener->path, &status) && status.st_dev == listener->device &&
	    status.st_ino == listener->inode)
		unlink(listener->path);
	fd_close(listener->fd);
	/* The lock file stays: taking it away would let two services lock two files of its name. */
	fd_close(listener->lock_fd);
	listener->fd = listener->lock_fd = -1;
}

void listener_notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t size;
	int fd;

	if (!path || socket_address(path, &address))
		return;
	/* An abstract address (sd_notify(3)) has no NUL at its end. */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
	fd_close(fd);
}
