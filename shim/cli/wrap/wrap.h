/* SPDX-License-Identifier: MIT */
/* Launchers: small shell scripts in the user's own folder that start a program through tagalong
 * run; and desktop entries that start a launcher in place of its program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/limits.h"

struct launcher {
	char name[256]; /* of the program */
	char real[PATH_BYTES_MAX]; /* its file, where it was wrapped by a path; empty: found in
				 * PATH */
	char *options; /* of tagalong run, quoted for a shell */
};

/* Whether a file is a launcher, by its first two lines. */
bool launcher_is(const char *path);
void launcher_release(struct launcher *launcher);
/* Calls with each launcher in a folder, by name. */
void launcher_each(const char *folder,
		   void (*on_launcher)(void *arg, const char *name,
				       const struct launcher *launcher),
		   void *arg);
/* Writes one; over another launcher, and over nothing else: -EEXIST. 0 or a negative errno. */
int launcher_write(const char *path, const struct launcher *launcher);
/* The program that a launcher starts now. False when there is none. */
bool launcher_real(const struct launcher *launcher, char *ret_path, size_t size);
/* A copy in single quotes for a shell, to be freed. */
char *shell_quote(const char *text);

/* Called for each entry that was written or removed, or, with a reason, was not. */
typedef void desktop_report(const char *path, const char *reason);
/* For every entry in XDG_DATA_DIRS that starts this program: a copy in $XDG_DATA_HOME/applications
 * that starts the launcher. An entry that is there and was not written by wrap stays. */
void desktop_wrap(const char *name, const char *launcher, desktop_report *report);
/* Removes the copies that start this launcher. */
void desktop_unwrap(const char *launcher, desktop_report *report);
