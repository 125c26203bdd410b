/* SPDX-License-Identifier: MIT */
/* Debug lines, only when TAGALONG_DEBUG names a place. Never a header value of the client's. */
#ifndef TAGALONG_BASE_LOG_H
#define TAGALONG_BASE_LOG_H

#include <stdbool.h>

#include "base/text.h"

/* Whether anybody listens: ask before building a line. */
bool log_wanted(void);

/*
 * Writes "tagalong[pid]: " and the parts as one line with one write, to stderr or appended to the
 * file that TAGALONG_DEBUG names (an absolute path; created with mode 0600; not through a
 * symlink). Bytes outside printable ASCII become "?". Over-long lines are cut. Keeps errno.
 */
void log_parts(const struct text *parts, size_t count);

#define log_line(...)                                                                             \
	log_parts((const struct text[]){ __VA_ARGS__ },                                           \
		  sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text))

#endif
