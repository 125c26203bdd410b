// SPDX-License-Identifier: MIT
/* Asking the context service, with reports of what goes wrong. */
#include "cli/ask.h"

#include <errno.h>
#include <string.h>

#include "lib/fdio.h"
#include "core/variables.h"
#include "cli/command.h"
#include "protocol/socket_path.h"

/* False, after a report unless quiet. */
#define fail(ask, ...) ((ask)->is_quiet ? (void)0 : report_error(__VA_ARGS__), false)

bool ask_connect(struct ask *ask)
{
	struct client_wait wait = client_wait_ms(ASK_CONNECT_MS);
	char path[WIRE_PATH_BYTES_MAX];
	const char *fault;
	struct buf buf;

	buf_init(&buf, path, sizeof(path));
	if (socket_path(&buf))
		return fail(ask, "%s is not an absolute path of at most %d bytes",
			    variable_name(VARIABLE_SOCKET), WIRE_PATH_BYTES_MAX - 1);
	ask->input = (struct client_input){ .memory = ask->line, .fds = { -1, -1 } };
	ask->fd = client_connect(path, &wait);
	if (ask->fd >= 0)
		return true;
	fault = socket_fault(path);
	if (!fault)
		fault = ask->fd == -ENOENT    ? "it is not running any more (connection refused)" :
			ask->fd == -ETIMEDOUT ? "it has too many connections" :
			ask->fd == -EPERM     ? "it is run by another user" :
						strerror(-ask->fd);
	return fail(ask,
		    "cannot connect to the context service at %s: %s\n"
		    "Start it with \"tagalong serve\", or start the program with "
		    "\"tagalong run\"",
		    path, fault);
}

void ask_close(struct ask *ask)
{
	fd_close(ask->fd);
}

bool ask_send(struct ask *ask, const struct wire_request *request)
{
	struct client_wait wait = client_wait_ms(ASK_CONNECT_MS);
	char memory[FRAME_BYTES + 1];
	struct buf line;
	int result;

	buf_init(&line, memory, sizeof(memory));
	wire_write_request(&line, request);
	result = client_send(ask->fd, buf_since(&line, 0), &wait);
	/* A service that refuses says why before it closes: that is still to be read. */
	return !result || result == -EPIPE ||
	       fail(ask, "cannot send to the context service: %s", strerror(-result));
}

bool ask_line(struct ask *ask, unsigned timeout_ms, size_t *ret_len)
{
	struct client_wait wait = client_wait_ms(timeout_ms);
	int result = client_receive(ask->fd, &ask->input, timeout_ms == ASK_FOREVER ? NULL : &wait,
				    ret_len);

	return !result || fail(ask, "%s",
			       result == -EPIPE ? "the context service closed the connection" :
						  client_reason(result));
}

bool ask_understand(struct ask *ask, size_t len, struct wire_reply *ret_reply, int *ret_code)
{
	*ret_code = EXIT_TROUBLE;
	if (wire_read_reply(ask->line, len, ret_reply))
		return fail(ask, "invalid reply from the context service (expected protocol 1)");
	if (ret_reply->ok)
		return true;
	if (text_eq(ret_reply->error_code, text_of(wire_code_name(WIRE_BAD_SCOPE))) ||
	    text_eq(ret_reply->error_code, text_of(wire_code_name(WIRE_SCOPE_ENDED))))
		*ret_code = EXIT_NOTHING;
	return fail(ask, "%.*s", (int)ret_reply->error_message.len, ret_reply->error_message.ptr);
}

bool ask_exchange(struct ask *ask, const struct wire_request *request, unsigned timeout_ms,
		  struct wire_reply *ret_reply)
{
	size_t len;
	int code;

	return ask_send(ask, request) && ask_line(ask, timeout_ms, &len) &&
	       ask_understand(ask, len, ret_reply, &code);
}

void ask_fill(struct wire_request *request, const char *const values[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		struct text value = text_of(values[field]);

		if (value.len && !wire_value_error(field, value))
			request->value[field] = value;
	}
}

bool publish(char scope[WIRE_NAME_BYTES_MAX + 1], pid_t pid, const char *const values[FIELD_COUNT])
{
	struct wire_request request = { .op = WIRE_OPEN, .target = WIRE_PROCESS, .pid = pid };
	struct ask ask = { .is_quiet = true };
	struct wire_reply reply;
	bool done;

	if (scope[0]) {
		request.op = WIRE_SET;
		request.target = WIRE_NAMED;
		request.scope = text_of(scope);
	}
	ask_fill(&request, values);
	if (!ask_connect(&ask))
		return false;
	done = ask_exchange(&ask, &request, SERVICE_TIMEOUT_MS, &reply) &&
	       reply.scope.len <= WIRE_NAME_BYTES_MAX;
	/* The scope may be gone with a service that lost it: the next call opens another. */
	snprintf(scope, WIRE_NAME_BYTES_MAX + 1, "%.*s", done ? (int)reply.scope.len : 0,
		 done ? reply.scope.ptr : "");
	ask_close(&ask);
	return done;
}

bool publish_own(const char *const values[FIELD_COUNT])
{
	struct text token = text_of(variable_get(VARIABLE_SCOPE));
	struct wire_request get = { .op = WIRE_GET, .target = WIRE_OWN, .scope = token };
	struct wire_request set = { .op = WIRE_SET, .target = WIRE_OWN, .scope = token };
	struct ask ask = { .is_quiet = true };
	struct wire_reply reply;
	bool done;

	ask_fill(&set, values);
	if (!ask_connect(&ask))
		return false;
	done = ask_exchange(&ask, &get, SERVICE_TIMEOUT_MS, &reply) &&
	       !text_eq(reply.scope, TEXT("default")) &&
	       ask_exchange(&ask, &set, SERVICE_TIMEOUT_MS, &reply);
	ask_close(&ask);
	return done;
}
