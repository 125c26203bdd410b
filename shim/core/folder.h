/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CORE_FOLDER_H
#define TAGALONG_CORE_FOLDER_H

#include <stdbool.h>

#include "lib/buf.h"

/* Appends the folder of the state: $XDG_STATE_HOME/tagalong, else ~/.local/state/tagalong (XDG Base
 * Directory 0.8: a relative path is none). False when neither variable says where. */
bool folder_of_state(struct buf *path);

/* Makes a folder and those above it that are missing, closed to others (0700), as XDG asks for. To
 * be followed by a look at what is there then: that says more than mkdir(2) does. */
void folder_make(const char *path);

#endif
