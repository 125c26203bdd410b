/* SPDX-License-Identifier: MIT */
/* Launchers: small shell scripts that start a program through tagalong run. */
#ifndef TAGALONG_CLI_WRAP_LAUNCHER_H
#define TAGALONG_CLI_WRAP_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/limits.h"

struct launcher {
	char name[256]; /* of the program */
	char real[PATH_BYTES_MAX]; /* its file, where it was wrapped by a path; empty: as PATH has it */
	char *options; /* of tagalong run, quoted for a shell */
};

/* Whether a file is a launcher, by its first two lines. */
bool launcher_is(const char *path);
/* Reads one. False when it is none. To be released. */
bool launcher_read(const char *path, struct launcher *ret_launcher);
void launcher_release(struct launcher *launcher);
/* Writes one; over another launcher, and over nothing else: -EEXIST. `tagalong` is the path of this
 * program. 0 or a negative errno. */
int launcher_write(const char *path, const struct launcher *launcher, const char *tagalong);

/* The program that a launcher starts now. False when there is none. */
bool launcher_real(const struct launcher *launcher, char *ret_path, size_t size);

/* A copy in single quotes for a shell, to be freed; NULL without memory. */
char *shell_quote(const char *text);

#endif
