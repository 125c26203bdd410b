// SPDX-License-Identifier: MIT
/* Asking the context service, for those who can wait: the shim has its own client, as it cannot. */
#include "cli/ask.h"

#include <errno.h>
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
	return fail(ask,
		    "cannot connect to the context service at %s: %s\n"
		    "Start it with \"tagalong serve\", or start the program with "
		    "\"tagalong run\"",
		    path, reason);
}

static const char *connect_fault(int error)
{
	if (error == ECONNREFUSED)
		return "it is not running any more (connection refused)";
	return error == EAGAIN ? "it has too many connections" : strerror(error);
}

bool ask_connect(struct ask *ask)
{
	const struct timeval limit = { ASK_CONNECT_MS / 1000, 0 };
	char path[WIRE_PATH_BYTES_MAX];
	struct sockaddr_un address;
	const char *fault;
	struct buf buf;
	int fd;

	buf_init(&buf, path, sizeof(path));
	if (socket_path(&buf))
		return fail(ask, "%s is not an absolute path of at most %d bytes",
			    variable_name(VARIABLE_SOCKET), WIRE_PATH_BYTES_MAX - 1);
	fault = socket_fault(path);
	if (fault)
		return no_service(ask, path, fault);
	if (socket_address(path, &address))
		return no_service(ask, path, "the path is too long for a Unix socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return no_service(ask, path, strerror(errno));
	/* For connecting as well, which waits for a place in the service's queue (unix(7)). */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		fault = connect_fault(errno);
	else if (!socket_peer_ok(fd, NULL))
		fault = "it is run by another user";
	else if (!(ask->stream = fdopen(fd, "r")))
		fault = strerror(errno);
	if (!fault)
		return true;
	fd_close(fd);
	return no_service(ask, path, fault);
}

void ask_close(struct ask *ask)
{
	fclose(ask->stream);
}

bool ask_send(struct ask *ask, const struct wire_request *request)
{
	char memory[FRAME_BYTES + 1];
	struct buf line;
	struct text rest;

	buf_init(&line, memory, sizeof(memory));
	wire_write_request(&line, request);
	for (rest = buf_since(&line, 0); rest.len;) {
		ssize_t sent = send(fileno(ask->stream), rest.ptr, rest.len, MSG_NOSIGNAL);

		/* A service that refuses says why before it closes: that is still to be read. */
		if (sent < 0 && errno == EPIPE)
			return true;
		if (sent < 0 && errno != EINTR)
			return fail(ask, "cannot send to the context service: %s", strerror(errno));
		rest = text_from(rest, sent > 0 ? (size_t)sent : 0);
	}
	return true;
}

bool ask_line(struct ask *ask, int timeout_ms, char **ret_line, size_t *ret_len)
{
	const struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	const char *fault = "the context service closed the connection";
	bool is_there;
	size_t len;

	setsockopt(fileno(ask->stream), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	do {
		clearerr(ask->stream);
		errno = 0;
		is_there = fgets(ask->line, sizeof(ask->line), ask->stream);
	} while (!is_there && errno == EINTR);
	len = is_there ? strlen(ask->line) : 0;
	if (errno == EAGAIN)
		fault = "the context service did not answer in time";
	if (len == FRAME_BYTES)
		fault = "invalid reply from the context service: the line is too long";
	if (!len || ask->line[len - 1] != '\n')
		return fail(ask, "%s", fault);
	*ret_line = ask->line;
	*ret_len = len - 1;
	return true;
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
