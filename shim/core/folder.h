/* SPDX-License-Identifier: MIT */
/* Folders: those of the user, and what can be known of one without touching its file system. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

/* Appends a folder of the user's: $VARIABLE, else what is below ~ (XDG Base Directory 0.8: a relative
 * path is none). False when neither it nor HOME says where. */
bool folder_of_user(struct buf *path, const char *variable, const char *below);
/* Appends the folder of the state, tagalong in $XDG_STATE_HOME. As above; false also when it is too
 * long. */
bool folder_of_state(struct buf *path);

/* Makes a folder and those above it that are missing (mkdir -p); XDG asks for 0700. 0, also where
 * something else has its name, or a negative errno. */
int folder_make(const char *path, mode_t mode);

struct folder_id {
	uint64_t device, inode;
};

/* Which folder is the working one. Never waits for its file system. 0 or a negative errno. */
int folder_identify(struct folder_id *ret_id);

/* Whether a file system that may hang for ever is there: a network's, or one of a program (NFS,
 * SMB, FUSE ...). Asked of /proc/self/mountinfo, which hangs with none of them. `path` is
 * absolute; NULL: the working folder, which is `id`. */
bool folder_may_hang(const struct folder_id *id, const char *path);
