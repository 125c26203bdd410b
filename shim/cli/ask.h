/* SPDX-License-Identifier: MIT */
/* The commands' side of the context service: ask, and wait for the answer. */
#pragma once

#include "protocol/client.h"
#include "protocol/message.h"

/* A connection, and the line that was read last. Zeroed by the caller. */
struct ask {
	bool is_quiet; /* set before: no reports */
	int fd;
	struct client_input input;
	char line[FRAME_BYTES];
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
/* The next line into ask->line, without its LF. False after a report. */
bool ask_line(struct ask *ask, unsigned timeout_ms, size_t *ret_len);

/* Whether it is a reply that says ok; else reports what is wrong. *ret_code is then EXIT_NOTHING
 * when there is no such scope, EXIT_TROUBLE for all else. The texts point into the line. */
bool ask_understand(struct ask *ask, size_t len, struct wire_reply *ret_reply, int *ret_code);

/* All three, for a question with one reply. */
bool ask_exchange(struct ask *ask, const struct wire_request *request, unsigned timeout_ms,
		  struct wire_reply *ret_reply);

/* Puts values into a request. NULL is none; those that the protocol refuses are left out. */
void ask_fill(struct wire_request *request, const char *const values[FIELD_COUNT]);

/* Sets fields for the tree of process `pid`, in a scope of its own that is opened at the first call
 * and ends with the process; `scope` is its name, empty before. Waits SERVICE_TIMEOUT_MS a reply at
 * the most. False, without a word, when there is no service. */
bool publish(char scope[WIRE_NAME_BYTES_MAX + 1], pid_t pid, const char *const values[FIELD_COUNT]);
/* The same for the scope that this very process is in, but never for the default one, which is
 * everybody's. */
bool publish_own(const char *const values[FIELD_COUNT]);
