/* SPDX-License-Identifier: MIT */
/* Files that a command writes for a person, beside the person's own. */
#ifndef TAGALONG_CLI_WRAP_OWN_FILE_H
#define TAGALONG_CLI_WRAP_OWN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A whole file, in memory to be freed; NULL when it cannot be had, or is too large for its kind. */
char *own_file_read(const char *path);

/* Writes a whole file, at once for whoever looks. `replace`: over the one that is there; else that is
 * -EEXIST. 0 or a negative errno. */
int own_file_write(const char *path, mode_t mode, const char *text, bool replace);

/* Makes a folder and those above it. 0 or a negative errno. */
int own_folder_make(const char *path);

#endif
