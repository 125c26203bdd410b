// SPDX-License-Identifier: MIT
/* The shim's side of the context service. A connection for each question that the page of the last
 * answer does not answer: nothing is kept open in the host, nothing has to be mended after fork,
 * after a host that closes all descriptors, or after the service was started anew. */
#include "protocol/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "protocol/page_client.h"
#include "protocol/socket_path.h"
#include "protocol/message.h"

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
		return "no context service is running";
	case -EPERM:
		return "the context service's socket cannot be trusted";
	case -ETIMEDOUT:
		return "the context service did not answer in time";
	case -EBADMSG:
		return "invalid reply from the context service";
	case -EAGAIN:
		return "the context service failed within the last second and is not asked again yet";
	default:
		return "the context service cannot be asked";
	}
}

/* The time that is left to wait. The kernel counts it down: the host's clock may stand still
 * (libfaketime), and a service may answer byte by byte. */
struct wait {
	long sec, nsec;
};

/* 0, -ETIMEDOUT, or another negative errno. */
static int wait_for(int fd, short events, struct wait *wait)
{
	struct pollfd wanted = { .fd = fd, .events = events };

	for (;;) {
		/* Not poll(3), which does not tell what is left, and is a cancellation point. */
		long ready = syscall(SYS_ppoll, &wanted, fd < 0 ? 0 : 1, wait, NULL, 0);

		if (ready > 0)
			return 0;
		if (!ready)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int connect_to(int fd, const struct sockaddr_un *address, struct wait *wait)
{
	struct wait retry;

	for (;;) {
		if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
			return 0;
		if (errno == ENOENT || errno == ECONNREFUSED)
			return -ENOENT; /* or one that is gone: its socket is still there */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		/* Its queue is full. A Unix socket that does not wait cannot be polled for that. */
		retry = (struct wait){ 0, RETRY_MS * 1000000L };
		if (!wait->sec && wait->nsec <= retry.nsec)
			return -ETIMEDOUT;
		wait->sec -= wait->nsec < retry.nsec;
		wait->nsec += (wait->nsec < retry.nsec ? 1000000000L : 0) - retry.nsec;
		wait_for(-1, 0, &retry);
	}
}

static int send_all(int fd, struct text text, struct wait *wait)
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
		result = wait_for(fd, POLLOUT, wait);
		if (result)
			return result;
	}
	return 0;
}

/* What a connection yields: a line, and perhaps two descriptors. */
struct received {
	char *line;
	size_t len, size;
	int fds[2]; /* -1: none */
};

/* Those of one message. A service that sends more than two keeps them: there is no room. */
static void take_descriptors(struct msghdr *message, struct received *received)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int fds[2] = { -1, -1 };

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(fds, CMSG_DATA(control),
	       control->cmsg_len == CMSG_LEN(sizeof(fds)) ? sizeof(fds) : sizeof(fds[0]));
	for (size_t i = 0; i < 2; i++) {
		fd_close(received->fds[i]);
		received->fds[i] = fds[i];
	}
}

static ssize_t receive(int fd, struct received *received)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec space = { received->line + received->len, received->size - received->len };
	struct msghdr message = {
		.msg_iov = &space,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got >= 0)
		take_descriptors(&message, received);
	return got;
}

/* Reads one line; its LF is not counted. */
static int receive_line(int fd, struct received *received, struct wait *wait)
{
	for (;;) {
		ssize_t got = receive(fd, received);
		char *start = received->line + received->len;
		char *end = got > 0 ? memchr(start, '\n', (size_t)got) : NULL;
		int result;

		if (end) {
			received->len = (size_t)(end - received->line);
			return 0;
		}
		if (got > 0)
			received->len += (size_t)got;
		if (!got || received->len == received->size)
			return -EBADMSG; /* closed early, or a line without end */
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EBADMSG : -errno;
		result = wait_for(fd, POLLIN, wait);
		if (result)
			return result;
	}
}

static int send_question(int fd, struct text token, struct wait *wait)
{
	char memory[WIRE_NAME_BYTES_MAX + 128]; /* the longest question */
	struct buf request;

	buf_init(&request, memory, sizeof(memory));
	wire_get_request(&request, token, page_welcome());
	return request.full ? -EINVAL : send_all(fd, buf_since(&request, 0), wait);
}

static int converse(int fd, const struct page_question *question, struct wait *wait,
		    struct client_answer *answer)
{
	struct received received = { answer->memory, 0, FRAME_BYTES, { -1, -1 } };
	int result;

	if (!socket_peer_ok(fd, NULL))
		return -EPERM;
	result = send_question(fd, question->token, wait);
	if (!result)
		result = receive_line(fd, &received, wait);
	if (!result)
		result = wire_read_reply(answer->memory, received.len, &answer->reply);
	if (!result && !answer->reply.ok)
		result = -EBADMSG;
	if (!result && answer->reply.has_page)
		page_keep(question, received.fds, answer->reply.generation);
	fd_close(received.fds[0]);
	fd_close(received.fds[1]);
	return result;
}

static int connect_and_converse(const struct sockaddr_un *address,
				const struct page_question *question, struct wait *wait,
				struct client_answer *answer)
{
	int fd, result;

	fd = fd_socket(AF_UNIX, SOCK_STREAM);
	if (fd < 0)
		return fd;
	result = connect_to(fd, address, wait);
	if (!result)
		result = converse(fd, question, wait, answer);
	fd_close(fd);
	return result;
}

static int ask(const struct page_question *question, unsigned timeout_ms,
	       struct client_answer **ret_answer)
{
	struct wait wait = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	const char *path = question->path.ptr; /* NUL-terminated: client_ask's */
	struct stat status;
	struct client_answer *answer;
	struct sockaddr_un address;
	int result;

	result = socket_address(path, &address);
	if (result)
		return result;
	if (path_status(path, AT_SYMLINK_NOFOLLOW, &status))
		return -ENOENT; /* what most processes find: one system call */
	if (socket_fault(path))
		return -EPERM;
	answer = malloc(sizeof(*answer) + FRAME_BYTES);
	if (!answer)
		return -ENOMEM;
	answer->mark = (struct client_mark){ 0 };
	result = connect_and_converse(&address, question, &wait, answer);
	if (result)
		free(answer);
	else
		*ret_answer = answer;
	return result;
}

static bool is_resting(uint64_t now_ms)
{
	return now_ms < __atomic_load_n(&resting_until_ms, __ATOMIC_RELAXED);
}

int client_ask(struct text token, unsigned timeout_ms, struct client_answer **ret_answer)
{
	char memory[WIRE_PATH_BYTES_MAX + 1], name[WIRE_NAME_BYTES_MAX + 1];
	struct page_question question;
	int saved = errno, result;
	struct buf path, copy;

	buf_init(&path, memory, sizeof(memory));
	/* The token is the environment's, which may change while the service is waited for. */
	buf_init(&copy, name, sizeof(name));
	buf_add(&copy, token);
	result = copy.full ? -EINVAL : socket_path(&path);
	question = (struct page_question){ buf_since(&path, 0), buf_since(&copy, 0),
					   clock_monotonic_ms() };
	if (result || page_answer(&question, true, ret_answer) ||
	    page_file_answer(&question, ret_answer))
		goto out;
	result = is_resting(question.asked_ms) ? -EAGAIN : ask(&question, timeout_ms, ret_answer);
	if (result == -ETIMEDOUT || result == -EBADMSG)
		__atomic_store_n(&resting_until_ms, clock_monotonic_ms() + REST_MS,
				 __ATOMIC_RELAXED);
	/* A service that is late, or full, still keeps its page right while it lives. */
	if ((result == -ETIMEDOUT || result == -EBADMSG || result == -EAGAIN) &&
	    page_answer(&question, false, ret_answer))
		result = 0;
out:
	errno = saved;
	return result;
}

bool client_unchanged(const struct client_mark *mark, const char *path)
{
	struct stat status;

	if (mark->kept)
		return page_unchanged(mark);
	return !page_may_answer() && path_status(path, AT_SYMLINK_NOFOLLOW, &status);
}
