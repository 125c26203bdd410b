// SPDX-License-Identifier: MIT
/* Asking the context service, for those who can wait: the shim has its own client, as it cannot. */
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/fdio.h"
#include "core/variables.h"
#include "cli/command.h"
#include "protocol/socket_path.h"

/* False, after a report unless quiet. */
#define fail(ask, ...) ((ask)->is_quiet ? (void)0 : report_error(__VA_ARGS__), false)

static bool no_service(const struct ask *ask, const char *path, const char *reason)
{
	return fail(ask, "cannot connect to the context service at %s: %s\n"
			 "Start it with \"tagalong serve\", or start the program with "
			 "\"tagalong run\"", path, reason);
}

static const char *connect_fault(int error)
{
	if (error == ECONNREFUSED)
		return "it is not running any more (connection refused)";
	return error == EAGAIN ? "it has too many connections" : strerror(error);
}

static bool connect_to(struct ask *ask, const char *path)
{
	struct sockaddr_un address;
	const struct timeval limit = { ASK_TIMEOUT_MS / 1000, 0 };
	const char *fault = socket_fault(path);

	if (fault)
		return no_service(ask, path, fault);
	if (socket_address(path, &address))
		return no_service(ask, path, "the path is too long for a Unix socket");
	ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ask->fd < 0)
		return no_service(ask, path, strerror(errno));
	/* For connecting as well, which waits for a place in the service's queue (unix(7)). */
	setsockopt(ask->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(ask->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return no_service(ask, path, connect_fault(errno));
	if (!socket_peer_ok(ask->fd, NULL))
		return no_service(ask, path, "it is run by another user");
	return true;
}

bool ask_connect(struct ask *ask)
{
	char memory[WIRE_PATH_BYTES_MAX];
	struct buf path;
	int result;

	buf_init(&path, memory, sizeof(memory));
	frame_init(&ask->frame, ask->memory, sizeof(ask->memory), 0);
	ask->fd = -1;
	result = socket_path(&path);
	if (result)
		return fail(ask, "%s is not an absolute path of at most %d bytes",
			    variable_name(VARIABLE_SOCKET), WIRE_PATH_BYTES_MAX - 1);
	if (connect_to(ask, path.data))
		return true;
	ask_close(ask);
	return false;
}

void ask_close(struct ask *ask)
{
	fd_close(ask->fd);
	ask->fd = -1;
}

bool ask_send(struct ask *ask, const struct wire_request *request)
{
	char memory[FRAME_BYTES + 1];
	struct buf line;
	size_t sent = 0;

	buf_init(&line, memory, sizeof(memory));
	wire_write_request(&line, request);
	while (sent < line.len) {
		ssize_t count = send(ask->fd, line.data + sent, line.len - sent, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		/* A service that refuses says why before it closes: that is still to be read. */
		if (count < 0 && errno == EPIPE)
			return true;
		if (count < 0)
			return fail(ask, "cannot send to the context service: %s", strerror(errno));
		sent += (size_t)count;
	}
	return true;
}

/* More bytes. False at the end, or when none come in time. */
static bool receive(struct ask *ask, int timeout_ms)
{
	struct pollfd readable = { .fd = ask->fd, .events = POLLIN };
	size_t bytes;
	char *space = frame_space(&ask->frame, &bytes);
	ssize_t count;
	int ready;

	do {
		ready = poll(&readable, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (!ready)
		return fail(ask, "the context service did not answer in time");
	do {
		count = read(ask->fd, space, bytes);
	} while (count < 0 && errno == EINTR);
	if (count <= 0)
		return fail(ask, "the context service closed the connection");
	frame_added(&ask->frame, (size_t)count);
	return true;
}

bool ask_line(struct ask *ask, int timeout_ms, char **ret_line, size_t *ret_len)
{
	int result;

	while (!(result = frame_next(&ask->frame, ret_line, ret_len))) {
		if (!receive(ask, timeout_ms))
			return false;
	}
	return result > 0 || fail(ask, "invalid reply from the context service: the line is too long");
}

bool ask_understand(const struct ask *ask, char *line, size_t len, struct wire_reply *ret_reply,
		    int *ret_code)
{
	*ret_code = EXIT_TROUBLE;
	if (wire_read_reply(line, len, ret_reply))
		return fail(ask, "invalid reply from the context service (expected protocol 1)");
	if (ret_reply->ok)
		return true;
	if (text_eq(ret_reply->error_code, text_of(wire_code_name(WIRE_BAD_SCOPE))) ||
	    text_eq(ret_reply->error_code, text_of(wire_code_name(WIRE_SCOPE_ENDED))))
		*ret_code = EXIT_NOTHING;
	return fail(ask, "%.*s", (int)ret_reply->error_message.len, ret_reply->error_message.ptr);
}

bool ask_exchange(struct ask *ask, const struct wire_request *request, int timeout_ms,
		  struct wire_reply *ret_reply)
{
	size_t len;
	char *line;
	int code;

	return ask_send(ask, request) && ask_line(ask, timeout_ms, &line, &len) &&
	       ask_understand(ask, line, len, ret_reply, &code);
}
