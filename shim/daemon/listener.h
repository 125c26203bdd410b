/* SPDX-License-Identifier: MIT */
/* The socket that the service listens on: one service a socket, for its user alone. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "protocol/protocol_limits.h"

struct listener {
	int fd, lock_fd;
	bool activated; /* the socket is systemd's */
	char path[WIRE_PATH_BYTES_MAX];
	dev_t device;
	ino_t inode;
};

/* The socket that systemd passed, else one at `path`, else (NULL) at socket_path. Makes its
 * folder when it is missing. Reports errors on stderr. 0 or a negative errno, -EADDRINUSE
 * when another service has it. */
int listener_open(const char *path, struct listener *ret_listener);
/* Takes the socket away, if it is still this one and not systemd's. */
void listener_close(struct listener *listener);

/* Tells systemd, if it started this service and asked for that: "READY=1". */
void listener_notify(const char *message);
