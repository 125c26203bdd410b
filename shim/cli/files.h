/* SPDX-License-Identifier: MIT */
/* Files that the commands read, write and look for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/text.h"

/* A configuration that a person writes is smaller; a larger file is not edited. */
#define FILE_BYTES_MAX (1 << 20)

/* Reads a file. *ret_bytes, NUL-terminated, is to be freed. 0 or a negative errno: -EFBIG, -ENOENT,
 * -ENOLINK for a symbolic link to nothing ... */
int file_load(const char *path, char **ret_bytes, size_t *ret_len);

enum file_policy { FILE_NEW, FILE_REPLACE };
/* Writes a file that nobody ever sees half written: with FILE_NEW -EEXIST when something is there,
 * with FILE_REPLACE in the place of what is there, with its mode. A symbolic link stays one: what
 * it leads to is replaced. `mode` is that of a new file. 0 or a negative errno, and then nothing
 * has changed. */
int file_write(const char *path, struct text bytes, mode_t mode, enum file_policy policy);

/* Ends the program where root is about to write into the home folder of somebody else, who could not
 * change the files afterwards. */
void refuse_foreign_home(void);

/* The file that a shell would start for this name: itself when it has a slash, else the first
 * executable file of the name in PATH for which `skip` (may be NULL) is false. False when there is
 * none. */
bool program_find(const char *name, bool (*skip)(const char *path), char *ret_path, size_t size);
/* Whether it is an AppImage: an executable with a file system behind it, which it mounts. */
bool program_is_appimage(const char *path);
