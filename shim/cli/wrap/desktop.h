/* SPDX-License-Identifier: MIT */
/* Desktop entries that start a launcher in place of its program. */
#ifndef TAGALONG_CLI_WRAP_DESKTOP_H
#define TAGALONG_CLI_WRAP_DESKTOP_H

#include <stdbool.h>

/* Told of each entry: written, taken away, or, with a reason, left as it is. */
typedef void desktop_told(const char *path, const char *reason);

/* For every entry in XDG_DATA_DIRS that starts this program: a copy in $XDG_DATA_HOME/applications
 * that starts the launcher. An entry that is there and is none of ours stays. */
void desktop_wrap(const char *name, const char *launcher, desktop_told *told);
/* Removes the copies that start this launcher. */
void desktop_unwrap(const char *launcher, desktop_told *told);

#endif
