/* SPDX-License-Identifier: MIT */
/* A small file, whole: read, or replaced so that nobody ever sees half of it. */
#ifndef TAGALONG_CLI_FILE_H
#define TAGALONG_CLI_FILE_H

#include <stddef.h>

#include "lib/text.h"

/* A configuration of a person's; a larger one is not edited. */
#define FILE_BYTES_MAX (1 << 20)

/* *ret_bytes, NUL-terminated, is to be freed. 0 or a negative errno: -EFBIG, -ENOENT ... */
int file_load(const char *path, char **ret_bytes, size_t *ret_len);
/* Writes a new file in its place, with the old one's mode (0600 if there was none). A symlink stays
 * one: what it leads to is replaced. 0 or a negative errno, and then nothing has changed. */
int file_replace(const char *path, struct text bytes);

#endif
