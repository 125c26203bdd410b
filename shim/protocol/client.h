/* SPDX-License-Identifier: MIT */
/* One question to the context service, within a deadline. */
#pragma once

#include "protocol/protocol_limits.h"
#include "protocol/reply.h"

/* Which state of a shared page an answer is of; all zero where it is of none. */
struct client_mark {
	uint32_t kept, sequence;
};

struct client_answer {
	struct wire_reply reply; /* its texts point into the memory */
	struct client_mark mark;
	_Alignas(uint32_t) char memory[];
};

/* Asks for the context of this process: connects, asks, reads, closes; or reads the page that came
 * with the last answer. `token` is TAGALONG_SCOPE's value or empty. Waits timeout_ms in all at the
 * most. After a service failed, returns -EAGAIN at once for a second. Returns 0 or
 *   -ENOENT     no service is running
 *   -EPERM      its folder, its socket or its user cannot be trusted
 *   -ETIMEDOUT  it did not answer in time
 *   -EBADMSG    an invalid reply, or a refusal
 *   -EAGAIN     it failed in one of the last two ways within the last second
 * or another negative errno. The caller frees the answer with free(). Leaves no descriptor
 * open. Thread-safe. */
int client_ask(struct text token, unsigned timeout_ms, struct client_answer **ret_answer);

/* Whether client_ask would answer now as it did, in the same environment: what it gave had this mark,
 * or it returned -ENOENT and the mark is all zero; then `path` names the socket. One system call
 * where there is no service, none where there is a page. False where that is not sure. */
bool client_unchanged(const struct client_mark *mark, const char *path);

/* For people: "no context service is running". */
const char *client_reason(int result);
