/* SPDX-License-Identifier: MIT */
/* The commands' side of the context service: ask, and wait for the answer. */
#pragma once

#include <stdio.h>

#include "protocol/reply.h"
#include "protocol/message.h"

/* A connection, and the line that was read last. Zeroed by the caller. */
struct ask {
	bool is_quiet; /* set before: no reports */
	FILE *stream;
	char line[FRAME_BYTES + 1];
};

/* A service that stands still does not empty its queue of connections. */
#define ASK_CONNECT_MS 2000
#define ASK_FOREVER 0
/* A change is answered when it is on the disk, which may be busy. */
#define ASK_TIMEOUT_MS 10000

/* Connects. False when there is no service, or none to be trusted: that was reported. */
bool ask_connect(struct ask *ask);
void ask_close(struct ask *ask);

/* Sends one request, as wire_write_request. False after a report. */
bool ask_send(struct ask *ask, const struct wire_request *request);
/* The next line, without its LF, valid until the next call. False after a report. */
bool ask_line(struct ask *ask, int timeout_ms, char **ret_line, size_t *ret_len);

/* Whether it is a reply that says ok; else reports what is wrong. *ret_code is then EXIT_NOTHING
 * when there is no such scope, EXIT_TROUBLE for all else. The texts point into the line. */
bool ask_understand(const struct ask *ask, char *line, size_t len, struct wire_reply *ret_reply,
		    int *ret_code);

/* All three, for a question with one reply. */
bool ask_exchange(struct ask *ask, const struct wire_request *request, int timeout_ms,
		  struct wire_reply *ret_reply);
