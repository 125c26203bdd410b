/* SPDX-License-Identifier: MIT */
/* Debug lines, only when TAGALONG_DEBUG names a place. Never a header value of the client's. */
#pragma once

#include <stdbool.h>

#include "lib/text.h"

/* Whether anybody listens: ask before building a line. */
bool log_wanted(void);

/* Writes "tagalong[pid]: " and the parts as one line with one write, to stderr or appended to the
 * file that TAGALONG_DEBUG names (an absolute path; as log_append). Bytes outside printable ASCII
 * become "?". Over-long lines are cut. Keeps errno. */
void log_parts(const struct text *parts, size_t count);

/* Appends a line with one write to a regular file of this user's that nobody else may write to,
 * which is created with mode 0600; not through a symlink. No signal is raised. Nothing is written
 * where the file would become larger than LOG_FILE_BYTES_MAX, or than the process may write.
 * Keeps errno. */
void log_append(const char *path, struct text line);

#define log_line(...) \
	log_parts((const struct text[]){ __VA_ARGS__ }, \
		  sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text))
