/* SPDX-License-Identifier: MIT */
/* Asking the context service, within a deadline: the one question of the shim, and a connection for
 * whoever asks more. */
#pragma once

#include "lib/quiet.h"
#include "protocol/protocol_limits.h"
#include "protocol/reply.h"
#include "protocol/socket_path.h"

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
 * or it returned -ENOENT and the mark is all zero; then `absence` has the path. One system call
 * where there is no service, none where there is a page. False where that is not sure. */
bool client_unchanged(const struct client_mark *mark, struct socket_absence *absence);

/* For people: "no context service is running". */
const char *client_reason(int result);

/* The time that is left to wait. The kernel counts it down: the host's clock may stand still
 * (libfaketime), and a service may answer byte by byte. */
struct client_wait {
	long left_us;
	/* In a host: how long signals that are held off wait at the most, until it is given up
	 * (-EINTR). */
	const struct quiet *quiet;
	long patience_us;
};

static inline struct client_wait client_wait_ms(unsigned ms)
{
	return (struct client_wait){ .left_us = (long)ms * 1000 };
}

/* Connects to the service at this path. Its descriptor, or a negative errno as of client_ask. */
int client_connect(const char *path, struct client_wait *wait);
/* Sends all of it. 0, -ETIMEDOUT, -EPIPE when the service has closed the connection, or another
 * negative errno. */
int client_send(int fd, struct text text, struct client_wait *wait);

/* What has arrived on a connection. */
struct client_input {
	char *memory; /* FRAME_BYTES */
	size_t len, used; /* used: bytes of the line that was read last, with its LF */
	int fds[2]; /* the last that came, to be closed by the caller; -1: none */
};

/* Reads one line into the memory's beginning, where it stays until the next call; its LF is not
 * counted. Without `wait` it waits for ever. Errors as of client_send; -EBADMSG for a line that is too
 * long. */
int client_receive(int fd, struct client_input *input, struct client_wait *wait, size_t *ret_len);
