// SPDX-License-Identifier: MIT
/*
 * The shim's side of the context service. A connection for each question: nothing is kept open in
 * the host, nothing has to be mended after fork, after a host that closes all descriptors, or after
 * the service was started anew (pitfalls 32, 33).
 */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "wire/endpoint.h"
#include "wire/request.h"

/* How long a service that failed is left alone: so that a broken one costs a host that sends
 * requests all the time one deadline a second. */
#define REST_MS 1000
/* Between attempts to connect to a service whose queue is full. */
#define RETRY_MS 1

static uint64_t resting_until_ms;

const char *client_reason(int result)
{
	switch (result) {
	case 0:
		return "the context service answered";
	case -ENOENT:
		return "there is no context service";
	case -EPERM:
		return "the context service's socket is not to be trusted";
	case -ETIMEDOUT:
		return "the context service did not answer in time";
	case -EBADMSG:
		return "the context service gave no answer of the protocol";
	case -EAGAIN:
		return "the context service is left alone for a second";
	default:
		return "the context service cannot be asked";
	}
}

/* Milliseconds until then, for poll: at least 0. */
static int remaining(uint64_t deadline_ms)
{
	uint64_t now_ms = clock_monotonic_ms();

	return now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0;
}

/* 0, -ETIMEDOUT, or another negative errno. */
static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd wanted = { .fd = fd, .events = events };

	for (;;) {
		int ready = poll(&wanted, 1, remaining(deadline_ms));

		if (ready > 0)
			return 0;
		if (!ready)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int connect_to(int fd, const struct sockaddr_un *address, uint64_t deadline_ms)
{
	for (;;) {
		if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
			return 0;
		if (errno == ENOENT || errno == ECONNREFUSED)
			return -ENOENT; /* or one that is gone: its socket is still there */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		/* Its queue is full. A Unix socket that does not wait cannot be polled for that. */
		if (!remaining(deadline_ms))
			return -ETIMEDOUT;
		poll(NULL, 0, RETRY_MS);
	}
}

static int send_all(int fd, struct text text, uint64_t deadline_ms)
{
	while (text.len) {
		ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int result;

		if (sent >= 0) {
			text = text_from(text, (size_t)sent);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return errno == EPIPE || errno == ECONNRESET ? -EBADMSG : -errno;
		result = wait_for(fd, POLLOUT, deadline_ms);
		if (result)
			return result;
	}
	return 0;
}

/* Reads one line, its LF not counted. */
static int receive_line(int fd, char *line, size_t size, uint64_t deadline_ms, size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		ssize_t got = recv(fd, line + len, size - len, MSG_DONTWAIT);
		char *end = got > 0 ? memchr(line + len, '\n', (size_t)got) : NULL;
		int result;

		if (end) {
			*ret_len = (size_t)(end - line);
			return 0;
		}
		if (got > 0)
			len += (size_t)got;
		if (!got || len == size)
			return -EBADMSG; /* closed early, or a line without end */
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EBADMSG : -errno;
		result = wait_for(fd, POLLIN, deadline_ms);
		if (result)
			return result;
	}
}

static int converse(int fd, struct text token, uint64_t deadline_ms, struct client_answer *answer)
{
	char memory[WIRE_NAME_BYTES_MAX + 128]; /* the longest question */
	struct buf request;
	size_t len = 0;
	int result;

	if (!endpoint_peer_ok(fd, NULL))
		return -EPERM;
	buf_init(&request, memory, sizeof(memory));
	wire_get_request(&request, token);
	result = request.full ? -EINVAL : send_all(fd, buf_since(&request, 0), deadline_ms);
	if (!result)
		result = receive_line(fd, answer->line, sizeof(answer->line), deadline_ms, &len);
	if (!result)
		result = wire_read_reply(answer->line, len, &answer->reply);
	if (!result && !answer->reply.ok)
		result = -EBADMSG;
	return result;
}

static int connect_and_converse(const struct sockaddr_un *address, struct text token,
				uint64_t deadline_ms, struct client_answer *answer)
{
	int fd, result;

	fd = fd_socket(AF_UNIX, SOCK_STREAM);
	if (fd < 0)
		return fd;
	result = connect_to(fd, address, deadline_ms);
	if (!result)
		result = converse(fd, token, deadline_ms, answer);
	fd_close(fd);
	return result;
}

static int ask(const char *path, struct text token, uint64_t deadline_ms,
	       struct client_answer **ret_answer)
{
	struct client_answer *answer;
	struct sockaddr_un address;
	int result;

	result = endpoint_address(path, &address);
	if (result)
		return result;
	if (access(path, F_OK))
		return -ENOENT; /* what most processes find: one system call */
	if (endpoint_fault(path))
		return -EPERM;
	answer = malloc(sizeof(*answer));
	if (!answer)
		return -ENOMEM;
	result = connect_and_converse(&address, token, deadline_ms, answer);
	if (result)
		free(answer);
	else
		*ret_answer = answer;
	return result;
}

int client_ask(struct text token, unsigned timeout_ms, struct client_answer **ret_answer)
{
	uint64_t now_ms = clock_monotonic_ms();
	char memory[WIRE_PATH_BYTES_MAX + 1];
	int saved = errno, result;
	struct buf path;

	if (now_ms < __atomic_load_n(&resting_until_ms, __ATOMIC_RELAXED))
		return -EAGAIN;
	buf_init(&path, memory, sizeof(memory));
	result = endpoint_path(&path);
	if (!result)
		result = ask(path.data, token, now_ms + timeout_ms, ret_answer);
	if (result == -ETIMEDOUT || result == -EBADMSG)
		__atomic_store_n(&resting_until_ms, clock_monotonic_ms() + REST_MS, __ATOMIC_RELAXED);
	errno = saved;
	return result;
}
