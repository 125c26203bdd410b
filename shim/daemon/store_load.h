/* SPDX-License-Identifier: MIT */
/* The state file's folder, and reading the file at the start. */
#ifndef TAGALONG_DAEMON_STORE_LOAD_H
#define TAGALONG_DAEMON_STORE_LOAD_H

#include "daemon/store.h"

#define STORE_FILE "context.journal"

/* Makes and opens the folder, and locks it as long as the descriptor is open. It, or a negative
 * errno: -EBUSY when another service has it. */
int store_folder_open(const char *path);

/* Gives the owner every row that can be read. A file with anything else in it is moved aside, with
 * a warning; a last line without LF is not: it was being written when the service died, and so was
 * never answered. `path` is the folder's, for people; processes of another boot are gone. */
void store_load(int folder_fd, const char *path, struct text boot_id,
		const struct store_owner *owner);

#endif
