/* SPDX-License-Identifier: MIT */
/* Finding the program that a command's name means. */
#ifndef TAGALONG_CLI_PROGRAM_H
#define TAGALONG_CLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The file that a shell would start for this name: itself when it has a slash, else the first
 * executable file of the name in PATH that `skip` (may be NULL) does not pass over. False when there
 * is none.
 */
bool program_find(const char *name, bool (*skip)(const char *path), char *ret_path, size_t size);

/* What is behind the last slash. */
const char *program_name(const char *path);

/* Whether it is an AppImage: an executable with a file system behind it, which it mounts. */
bool program_is_appimage(const char *path);

#endif
