/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_BASE_FOLDER_H
#define TAGALONG_BASE_FOLDER_H

/* Makes a folder and those above it that are missing, closed to others (0700), as XDG asks for. To
 * be followed by a look at what is there then: that says more than mkdir(2) does. */
void folder_make(const char *path);

#endif
