/* SPDX-License-Identifier: MIT */
/* One question to the context service, within a deadline. */
#ifndef TAGALONG_PROTOCOL_CLIENT_H
#define TAGALONG_PROTOCOL_CLIENT_H

#include "protocol/protocol_limits.h"
#include "protocol/reply.h"

struct client_answer {
	struct wire_reply reply; /* its texts point into the memory */
	_Alignas(uint32_t) char memory[];
};

/*
 * Asks for the context of this process: connects, asks, reads, closes; or reads the page that came
 * with the last answer. `token` is TAGALONG_SCOPE's value or empty. Waits timeout_ms in all at the
 * most; after a service that did not answer in time, or not as the protocol has it, returns
 * -EAGAIN at once for a second. 0, or -ENOENT         there is no service -EPERM          its
 * folder, its socket or its user is not to be trusted -ETIMEDOUT      no answer in time -EBADMSG
 * no answer of the protocol, or one that says no -EAGAIN         it is left alone after one of the
 * last two or another negative errno. The answer is to be freed with free(). Leaves no descriptor
 * open. Thread-safe.
 */
int client_ask(struct text token, unsigned timeout_ms, struct client_answer **ret_answer);

/* For people: "there is no context service". */
const char *client_reason(int result);

#endif
