/* SPDX-License-Identifier: MIT */
/* The log for people: one row a request, or one a task, conversation, project or command. */
#ifndef TAGALONG_CLI_CMD_LOG_VIEW_H
#define TAGALONG_CLI_CMD_LOG_VIEW_H

#include <cjson/cJSON.h>
#include <stdbool.h>

struct log_view {
	const char *by; /* the member that rows are counted by; NULL: a row for each request */
	bool json, colour;
	bool headed; /* the table's head was printed */
	cJSON *groups; /* by value; NULL: none yet */
};

/* The member that a --by word means; NULL: there is no such word. */
const char *log_view_by(const char *word);
/* Those words, one after the other; NULL behind the last. */
const char *log_view_word(size_t index);

/* Shows one record, or counts it. */
void log_view_add(struct log_view *view, const cJSON *record);
/* Shows what was counted, and releases it. */
void log_view_end(struct log_view *view);

#endif
