/* SPDX-License-Identifier: MIT */
/* Where the socket is, and whether it can be trusted there. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/buf.h"
#include "protocol/protocol_limits.h"

/* Appends TAGALONG_SOCKET, else $XDG_RUNTIME_DIR/tagalong/context.sock, else
 * /run/user/<uid>/tagalong/context.sock; a variable that is no absolute path: -EINVAL for the
 * first, passed over for the second. -ENAMETOOLONG when it does not fit. Never below /tmp by
 * itself. */
int socket_path(struct buf *ret_path);

/* Fills an address. 0, or -ENAMETOOLONG: a socket's path has at most 107 bytes. */
int socket_address(const char *path, struct sockaddr_un *ret_address);

/* What is wrong with the folder that the socket is in, for people; NULL if nothing: no symlink, and
 * either ours and closed to all others (0700), or root's and writable for nobody else. */
const char *socket_folder_fault(const char *path);
/* The same of a folder's lstat(2): the state's folder is held to this rule as well. */
const char *socket_folder_status_fault(const struct stat *status);
/* The same, and the socket: none there gives "there is no socket". */
const char *socket_fault(const char *path);

/* What shows that there is no socket at a path, for the price of one look at a folder. */
struct socket_absence {
	char path[WIRE_PATH_BYTES_MAX + 1]; /* of that folder; of the socket where `inode` is 0 */
	ino_t inode;
	dev_t device;
	struct timespec changed;
	unsigned looks; /* 0 at first */
};

/* Whether there is surely no socket. Most calls are one system call. */
bool socket_is_absent(struct socket_absence *absence);

/* Ours, or root's: of whoever answers, and of what it has made. */
bool socket_user_is_trusted(uid_t uid);
/* Who is at the other end of a connected socket, by SO_PEERCRED: us or root. `ret_pid` may be NULL;
 * 0 is a process that cannot be seen from here (another pid namespace). */
bool socket_peer_ok(int fd, pid_t *ret_pid);
