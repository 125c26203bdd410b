/* SPDX-License-Identifier: MIT */
/* The log's line about one tagged request. Made here, written by whoever sends the request. */
#pragma once

#include "lib/limits.h"
#include "core/request.h"

struct log_entry {
	char path[PATH_BYTES_MAX]; /* of the log, absolute */
	size_t len;
	char line[LOG_ENTRY_BYTES_MAX + 1]; /* one JSON object and a newline */
};

/* Where the log is: TAGALONG_LOG, else what the configuration (may be NULL) says; empty where
 * nobody wants one, or the path is not absolute. Borrowed from the two. */
struct text log_place(const struct config *config);

/* Makes the entry, whose path is set, of a request that gets these lines: when and by which
 * process, the relay's host and port, the path without its query, the names of the headers that
 * are added, and the ids. None of the client's header values, nothing of its body. What does not
 * fit is left out. */
void log_entry_make(const struct tag_request *request, const struct tag_lines *lines,
		    struct values *values, struct log_entry *entry);
