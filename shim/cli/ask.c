// SPDX-License-Identifier: MIT
/* Asking the context service, for those who can wait: the shim has its own client, as it cannot. */
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/variables.h"
#include "cli/command.h"
#include "wire/endpoint.h"

static bool no_service(const char *path, const char *reason)
{
	complain("no context service at %s: %s\n"
		 "Start one with \"tagalong serve\", or run the program with \"tagalong run\"",
		 path, reason);
	return false;
}

static bool connect_to(struct ask *ask, const char *path)
{
	struct sockaddr_un address;
	const char *fault = endpoint_fault(path);

	if (fault)
		return no_service(path, fault);
	if (endpoint_address(path, &address))
		return no_service(path, "the path is too long for a socket");
	ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ask->fd < 0)
		return no_service(path, strerror(errno));
	if (connect(ask->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return no_service(path, errno == ECONNREFUSED ? "nobody listens there any more" :
								strerror(errno));
	if (!endpoint_peer_ok(ask->fd, NULL))
		return no_service(path, "another user answers there");
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
	result = endpoint_path(&path);
	if (result) {
		complain("%s is no absolute path of at most %d bytes",
			 variable_name(VARIABLE_SOCKET), WIRE_PATH_BYTES_MAX - 1);
		return false;
	}
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
		if (count < 0) {
			complain("cannot ask the context service: %s", strerror(errno));
			return false;
		}
		sent += (size_t)count;
	}
	return true;
}

/* More bytes. False at the end, or when none come in time. */
static bool receive(struct ask *ask, int timeout_ms)
{
	struct pollfd readable = { .fd = ask->fd, .events = POLLIN };
	size_t room;
	char *space = frame_space(&ask->frame, &room);
	ssize_t count;
	int ready;

	do {
		ready = poll(&readable, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (!ready) {
		complain("the context service does not answer");
		return false;
	}
	do {
		count = read(ask->fd, space, room);
	} while (count < 0 && errno == EINTR);
	if (count <= 0) {
		complain("the context service closed the connection");
		return false;
	}
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
	if (result < 0)
		complain("the context service sends a line that is too long");
	return result > 0;
}

bool ask_understand(char *line, size_t len, struct wire_reply *ret_reply, int *ret_code)
{
	*ret_code = EXIT_TROUBLE;
	if (wire_read_reply(line, len, ret_reply)) {
		complain("the context service sends what is no reply of protocol version 1");
		return false;
	}
	if (ret_reply->ok)
		return true;
	complain("%.*s", (int)ret_reply->error_message.len, ret_reply->error_message.ptr);
	if (text_eq(ret_reply->error_code, text_of(wire_code_name(WIRE_BAD_SCOPE))) ||
	    text_eq(ret_reply->error_code, text_of(wire_code_name(WIRE_SCOPE_ENDED))))
		*ret_code = EXIT_NOTHING;
	return false;
}
