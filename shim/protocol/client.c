// SPDX-License-Identifier: MIT
/* The client of the context service. In a host, a connection for each question that the page of the
 * last answer does not answer: nothing is kept open there, nothing has to be mended after fork,
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
#include "lib/system.h"

/* How long a service that failed is left alone: so that a broken one costs a host that sends
 * requests all the time one deadline a second. */
#define REST_MS 1000
/* Between attempts to connect to a service whose queue is full. */
#define RETRY_US 1000
/* How long the host's signals wait for an answer at first, and at last. */
#define PATIENCE_US 5000
#define PATIENCE_US_MAX 50000

static uint64_t resting_until_ms;
/* The thread whose question came to nothing, while its signal handlers run: one that asks as this
 * thread was left by siglongjmp, or is such a handler. */
static uintptr_t disturbed_thread;

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

static long shorter(long a, long b)
{
	return a < b ? a : b;
}

/* 0, -ETIMEDOUT, -EINTR, or another negative errno. Without `wait` there is no end. */
static int wait_for(int fd, short events, struct client_wait *wait)
{
	struct pollfd wanted = { .fd = fd, .events = events };

	while (!wait || wait->left_us > 0) {
		long nap_us = !wait	  ? 0 :
			      wait->quiet ? shorter(wait->left_us, wait->patience_us) :
					    wait->left_us;
		struct {
			long sec, nsec;
		} nap = { nap_us / 1000000, nap_us % 1000000 * 1000 };
		/* Not poll(3), which does not tell what is left. */
		long ready = syscall(SYS_ppoll, &wanted, fd < 0 ? 0 : 1, wait ? &nap : NULL, NULL,
				     0);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (!wait)
			continue;
		wait->left_us -= ready ? nap_us - nap.sec * 1000000 - nap.nsec / 1000 : nap_us;
		if (!ready && wait->quiet && quiet_is_disturbed(wait->quiet))
			return -EINTR;
	}
	return -ETIMEDOUT;
}

static int connect_to(int fd, const struct sockaddr_un *address, struct client_wait *wait)
{
	struct client_wait retry;

	for (;;) {
		if (!system_connect(fd, (const struct sockaddr *)address, sizeof(*address)))
			return socket_peer_ok(fd, NULL) ? 0 : -EPERM;
		if (errno == ENOENT || errno == ECONNREFUSED)
			return -ENOENT; /* or one that is gone: its socket is still there */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		/* Its queue is full. A Unix socket that does not wait cannot be polled for that. */
		if (wait->left_us <= RETRY_US)
			return -ETIMEDOUT;
		wait->left_us -= RETRY_US;
		retry = (struct client_wait){ RETRY_US, wait->quiet, RETRY_US };
		if (wait_for(-1, 0, &retry) == -EINTR)
			return -EINTR;
	}
}

static int check_address(const char *path, struct sockaddr_un *ret_address)
{
	struct stat status;
	int result = socket_address(path, ret_address);

	if (result)
		return result;
	if (path_status(path, AT_SYMLINK_NOFOLLOW, &status))
		return -ENOENT; /* what most processes find: one system call */
	return socket_fault(path) ? -EPERM : 0;
}

static int open_connection(const struct sockaddr_un *address, struct client_wait *wait)
{
	int fd = fd_socket(AF_UNIX, SOCK_STREAM), result;

	if (fd < 0)
		return fd;
	result = connect_to(fd, address, wait);
	if (result)
		fd_close(fd);
	return result ? result : fd;
}

int client_connect(const char *path, struct client_wait *wait)
{
	struct sockaddr_un address;
	int result = check_address(path, &address);

	return result ? result : open_connection(&address, wait);
}

/* After a system call that failed: 0 when it is to be tried again. */
static int try_again(int fd, short events, struct client_wait *wait)
{
	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN)
		return wait_for(fd, events, wait);
	return errno == ECONNRESET ? -EPIPE : -errno;
}

int client_send(int fd, struct text text, struct client_wait *wait)
{
	int result = 0;

	while (text.len && !result) {
		ssize_t sent = system_send(fd, text.ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		text = text_from(text, sent > 0 ? (size_t)sent : 0);
		result = sent < 0 ? try_again(fd, POLLOUT, wait) : 0;
	}
	return result;
}

/* Those of one message. A service that sends more than two keeps them: there is no space. */
static void take_descriptors(struct msghdr *message, struct client_input *input)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int fds[2] = { -1, -1 };

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(fds, CMSG_DATA(control),
	       control->cmsg_len == CMSG_LEN(sizeof(fds)) ? sizeof(fds) : sizeof(fds[0]));
	for (size_t i = 0; i < 2; i++) {
		fd_close(input->fds[i]);
		input->fds[i] = fds[i];
	}
}

static ssize_t receive(int fd, struct client_input *input)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec space = { input->memory + input->len, FRAME_BYTES - input->len };
	struct msghdr message = {
		.msg_iov = &space,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got = system_recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got >= 0)
		take_descriptors(&message, input);
	return got;
}

int client_receive(int fd, struct client_input *input, struct client_wait *wait, size_t *ret_len)
{
	size_t searched = 0;
	char *end;

	/* The line before. */
	input->len -= input->used;
	memmove(input->memory, input->memory + input->used, input->len);
	input->used = 0;
	while (!(end = memchr(input->memory + searched, '\n', input->len - searched))) {
		ssize_t got;
		int result;

		searched = input->len;
		if (searched == FRAME_BYTES)
			return -EBADMSG;
		got = receive(fd, input);
		result = got < 0 ? try_again(fd, POLLIN, wait) : got ? 0 : -EPIPE;
		if (result)
			return result;
		input->len += got > 0 ? (size_t)got : 0;
	}
	*ret_len = (size_t)(end - input->memory);
	input->used = *ret_len + 1;
	return 0;
}

static int send_question(int fd, struct text token, struct client_wait *wait)
{
	char memory[WIRE_NAME_BYTES_MAX + 128]; /* the longest question */
	struct buf request;

	buf_init(&request, memory, sizeof(memory));
	wire_get_request(&request, token, page_welcome());
	return request.full ? -EINVAL : client_send(fd, buf_since(&request, 0), wait);
}

static int converse(int fd, const struct page_question *question, struct client_wait *wait,
		    struct client_answer *answer)
{
	struct client_input input = { .memory = answer->memory, .fds = { -1, -1 } };
	size_t len;
	int result;

	result = send_question(fd, question->token, wait);
	if (!result)
		result = client_receive(fd, &input, wait, &len);
	if (!result)
		result = wire_read_reply(answer->memory, len, &answer->reply);
	if (result == -EPIPE || (!result && !answer->reply.ok))
		result = -EBADMSG;
	if (!result && answer->reply.has_page)
		page_keep(question, input.fds, answer->reply.generation);
	fd_close(input.fds[0]);
	fd_close(input.fds[1]);
	return result;
}

static int connect_and_converse(const struct sockaddr_un *address,
				const struct page_question *question, struct client_wait *wait,
				struct client_answer *answer)
{
	int fd = open_connection(address, wait), result;

	if (fd < 0)
		return fd;
	result = converse(fd, question, wait, answer);
	fd_close(fd);
	return result;
}

/* While a question is under way the host's signal handlers do not run: one may leave by siglongjmp,
 * and our descriptor would stay open; fork; or ask itself. Where a signal waits, the question is
 * given up when the patience is at its end, and asked again once the handler is back. */
static int ask_quietly(const struct sockaddr_un *address, const struct page_question *question,
		       unsigned timeout_ms, struct client_answer *answer)
{
	struct client_wait wait = client_wait_ms(timeout_ms);
	uintptr_t own = (uintptr_t)&errno, mark;
	struct quiet quiet;
	int result;

	wait.quiet = &quiet;
	wait.patience_us = PATIENCE_US;
	if (__atomic_load_n(&disturbed_thread, __ATOMIC_RELAXED) == own) {
		__atomic_store_n(&disturbed_thread, 0, __ATOMIC_RELAXED);
		return -ETIMEDOUT;
	}
	do {
		quiet_begin(&quiet);
		result = connect_and_converse(address, question, &wait, answer);
		if (result)
			__atomic_store_n(&disturbed_thread, own, __ATOMIC_RELAXED);
		quiet_end(&quiet);
		mark = own;
		if (result)
			__atomic_compare_exchange_n(&disturbed_thread, &mark, 0, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		wait.patience_us = shorter(2 * wait.patience_us, PATIENCE_US_MAX);
	} while (result == -EINTR);
	return result;
}

static int ask(const struct page_question *question, unsigned timeout_ms,
	       struct client_answer **ret_answer)
{
	struct client_answer *answer;
	struct sockaddr_un address;
	/* The path is NUL-terminated: client_ask's. */
	int result = check_address(question->path.ptr, &address);

	if (result)
		return result;
	answer = malloc(sizeof(*answer) + FRAME_BYTES);
	if (!answer)
		return -ENOMEM;
	answer->mark = (struct client_mark){ 0 };
	result = ask_quietly(&address, question, timeout_ms, answer);
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

bool client_unchanged(const struct client_mark *mark, struct socket_absence *absence)
{
	if (mark->kept)
		return page_unchanged(mark);
	return !page_may_answer() && socket_is_absent(absence);
}
