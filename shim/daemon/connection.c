// SPDX-License-Identifier: MIT
/* Connections on libevent's buffered events. A reply is put aside until the turn's changes are in
 * the store, then it goes to the buffered event, which sends it when the peer reads. A peer that
 * does not read is not read from, so its requests wait in its own buffers. A page's descriptors go
 * with the first byte of their reply, which only sendmsg(2) can do: past an empty buffer. */
#include "daemon/connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "lib/clock.h"
#include "lib/fdio.h"
#include "protocol/reply.h"
#include "protocol/socket_path.h"

struct connection {
	TAILQ_ENTRY(connection) link, ready_link;
	LIST_ENTRY(connection) watch_link;
	struct connections *all;
	struct bufferevent *stream;
	struct evbuffer *replies; /* of this turn */
	struct event *line_timer;
	struct peer peer;
	struct scope *watched;
	uint64_t sent_revision; /* of the watched scope */
	uint64_t last_ms; /* when it asked last */
	size_t unread_bytes; /* as counted in the sum of all */
	int page_fd; /* goes with the first of `replies`; -1: none */
	bool is_ready;
	bool is_paused; /* too much is unread: no more of its lines are answered */
	bool is_waiting; /* a reply of its is pending: no more of its lines are answered before */
	bool is_ending; /* no more is read, and it ends when all is sent */
};

static size_t unsent_bytes(const struct connection *connection)
{
	return evbuffer_get_length(connection->replies) +
	       evbuffer_get_length(bufferevent_get_output(connection->stream));
}

static void count_unread(struct connection *connection, size_t bytes)
{
	connection->all->unread_bytes += bytes - connection->unread_bytes;
	connection->unread_bytes = bytes;
}

/* With much unread by all together, each may have one reply on its way and no more. */
static bool is_full(const struct connection *connection)
{
	size_t bytes = unsent_bytes(connection);

	return bytes > OUTPUT_BYTES_MAX ||
	       (bytes && connection->all->unread_bytes > ALL_OUTPUT_BYTES_MAX);
}

static void start_watching(struct connection *connection, struct scope *scope)
{
	connection->watched = scope;
	connection->sent_revision = connection->all->state->scopes.revision;
	scope->watchers++;
	LIST_INSERT_HEAD(&connection->all->watchers, connection, watch_link);
}

static void stop_watching(struct connection *connection)
{
	if (!connection->watched)
		return;
	LIST_REMOVE(connection, watch_link);
	connection->watched->watchers--;
	connection->watched = NULL;
}

static void end_connection(struct connection *connection)
{
	struct connections *all = connection->all;

	if (connection->is_waiting)
		state_cancel(all->state, connection);
	stop_watching(connection);
	if (connection->is_ready)
		TAILQ_REMOVE(&all->ready, connection, ready_link);
	TAILQ_REMOVE(&all->all, connection, link);
	all->count--;
	all->last_ms = clock_monotonic_ms();
	count_unread(connection, 0);
	if (connection->line_timer)
		event_free(connection->line_timer);
	if (connection->replies)
		evbuffer_free(connection->replies);
	fd_close(connection->page_fd);
	if (connection->stream)
		bufferevent_free(connection->stream); /* and its descriptor */
	free(connection);
}

static void make_ready(struct connection *connection)
{
	if (connection->is_ready)
		return;
	connection->is_ready = true;
	TAILQ_INSERT_TAIL(&connection->all->ready, connection, ready_link);
}

static void stop_reading(struct connection *connection)
{
	connection->is_ending = true;
	bufferevent_disable(connection->stream, EV_READ);
	event_del(connection->line_timer);
	make_ready(connection); /* so that it is closed in any case */
}

static struct buf start_reply(struct connections *connections)
{
	struct buf reply;

	buf_init(&reply, connections->reply, sizeof(connections->reply));
	return reply;
}

/* Without memory for the reply the connection ends: a missing line would put all later ones out of
 * step. */
static void add_reply(struct connection *connection, const struct buf *reply)
{
	if (evbuffer_add(connection->replies, reply->data, reply->len) < 0)
		stop_reading(connection);
	count_unread(connection, unsent_bytes(connection));
	make_ready(connection);
}

static void write_error(struct buf *reply, enum wire_code code, struct text message)
{
	notice_event("refuse", { "code", text_of(wire_code_name(code)) }, { "message", message });
	wire_write_error(reply, code, message);
}

static void add_error(struct connection *connection, enum wire_code code, struct text message)
{
	struct buf reply = start_reply(connection->all);

	write_error(&reply, code, message);
	add_reply(connection, &reply);
}

static void answer_line(struct connection *connection, char *line, size_t len)
{
	struct connections *all = connection->all;
	struct buf reply = start_reply(all);
	struct answer answer = { .may_pass = !unsent_bytes(connection), .connection = connection };

	if (connection->watched) {
		add_error(connection, WIRE_BAD_OP,
			  TEXT("this connection watches; ask on another one"));
		return;
	}
	state_answer(all->state, &connection->peer, line, len, &reply, &answer);
	connection->is_waiting = answer.is_pending;
	if (answer.is_pending)
		return;
	if (answer.watch)
		start_watching(connection, answer.watch);
	if (answer.page_fd >= 0)
		connection->page_fd = answer.page_fd;
	add_reply(connection, &reply);
}

/* Answers the whole lines, as long as there is space for their replies, and looks after the rest: the clock
 * runs from the first byte of a line, so one that drips in slowly gains nothing. */
static void answer_lines(struct connection *connection)
{
	const struct timeval limit = { LINE_MS_MAX / 1000, LINE_MS_MAX % 1000 * 1000 };
	struct evbuffer *input = bufferevent_get_input(connection->stream);
	struct connections *all = connection->all;
	bool answered = false, is_partial;
	size_t len;
	char *line;

	while (!connection->is_ending && !connection->is_waiting && !is_full(connection)) {
		line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);
		if (line ? len > WIRE_LINE_BYTES_MAX :
			   evbuffer_get_length(input) > WIRE_LINE_BYTES_MAX) {
			add_error(connection, WIRE_TOO_LONG,
				  TEXT("a line has at most 65,536 bytes"));
			stop_reading(connection);
		} else if (line) {
			answer_line(connection, line, len);
			answered = true;
		}
		free(line);
		if (!line)
			break;
	}
	if (!connection->is_ending) {
		connection->is_paused = connection->is_waiting || is_full(connection);
		is_partial = !connection->is_paused && evbuffer_get_length(input);
		/* Little is read ahead of what is answered, but for a line that needs it. */
		bufferevent_setwatermark(connection->stream, EV_READ, 0,
					 is_partial ? WIRE_LINE_BYTES_MAX + 1 : INPUT_BYTES_MAX);
		(connection->is_paused ? bufferevent_disable :
					 bufferevent_enable)(connection->stream, EV_READ);
		if (answered || !is_partial)
			event_del(connection->line_timer);
		if (is_partial && !event_pending(connection->line_timer, EV_TIMEOUT, NULL))
			event_add(connection->line_timer, &limit);
	}
	if (!answered)
		return;
	/* The list of all is in the order in which they asked last. */
	connection->last_ms = all->last_ms = clock_monotonic_ms();
	TAILQ_REMOVE(&all->all, connection, link);
	TAILQ_INSERT_TAIL(&all->all, connection, link);
}

void connections_reply(struct connections *connections, void *waiting, const struct buf *reply,
		       const struct answer *answer)
{
	struct connection *connection = waiting;

	connection->is_waiting = false;
	if (answer->watch)
		start_watching(connection, answer->watch);
	add_reply(connection, reply); /* and with it comes the turn of the lines behind */
}

static void on_input(struct bufferevent *stream, void *arg)
{
	answer_lines(arg);
}

/* All that was sent has been taken: on with what waited for it, at the end of this turn. */
static void on_drained(struct bufferevent *stream, void *arg)
{
	make_ready(arg);
}

static void on_stream_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection *connection = arg;

	if (what & BEV_EVENT_EOF && what & BEV_EVENT_READING) {
		/* It may still read what it asked for before. */
		stop_watching(connection);
		stop_reading(connection);
	} else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
		end_connection(connection);
	}
}

static void on_line_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	add_error(connection, WIRE_TIMED_OUT,
		  TEXT("the rest of a line did not come within ten "
		       "seconds"));
	stop_reading(connection);
}

/* Sends the start of the replies, and with it two descriptors: the page, and the service's own. A
 * receiver without space for them gets the line alone, and does without. False when the connection
 * is broken. */
static bool send_page(struct connection *connection)
{
	const struct pages *pages = connection->all->state->pages;
	const int fds[2] = { connection->page_fd, pages->control_fd };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control;
	struct evbuffer_iovec piece = { 0 };
	struct iovec bytes;
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t sent;

	memset(&control, 0, sizeof(control));
	control.align = (struct cmsghdr){ CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, sizeof(fds));
	evbuffer_peek(connection->replies, -1, NULL, &piece, 1);
	bytes = (struct iovec){ piece.iov_base, piece.iov_len };
	sent = sendmsg(bufferevent_getfd(connection->stream), &message,
		       MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		evbuffer_drain(connection->replies, (size_t)sent);
	fd_close(connection->page_fd);
	connection->page_fd = -1;
	return sent >= 0 || errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS;
}

/* A watcher that has not read the last reply yet is sent how things are when it has. */
static void send_news(struct connection *connection)
{
	struct state *state = connection->all->state;
	uint64_t sent_revision = connection->sent_revision;
	struct buf reply;

	if (!connection->watched || unsent_bytes(connection))
		return;
	connection->sent_revision = state->scopes.revision;
	if (scope_effective_changed(&state->scopes, connection->watched) <= sent_revision)
		return;
	reply = start_reply(connection->all);
	state_write_context(state, connection->watched, false, false, &reply);
	add_reply(connection, &reply);
}

/* Sends what this turn has added. The connection may be gone afterwards. */
static void flush(struct connection *connection)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);

	connection->is_ready = false;
	TAILQ_REMOVE(&connection->all->ready, connection, ready_link);
	if (connection->page_fd >= 0 && !send_page(connection)) {
		end_connection(connection);
		return;
	}
	if (evbuffer_get_length(connection->replies) && !evbuffer_get_length(output)) {
		/* Most replies go out at once, without a wait for the socket to be writable. */
		if (evbuffer_write(connection->replies, bufferevent_getfd(connection->stream)) <
			    0 &&
		    errno != EAGAIN && errno != EINTR) {
			end_connection(connection);
			return;
		}
	}
	evbuffer_add_buffer(output, connection->replies);
	count_unread(connection, evbuffer_get_length(output));
	if (connection->unread_bytes || connection->is_waiting)
		return;
	if (connection->is_ending) {
		end_connection(connection);
		return;
	}
	if (connection->is_paused)
		answer_lines(connection);
	send_news(connection);
}

bool connections_flush(struct connections *connections)
{
	struct connection *connection, *next, *last;

	if (connections->sent_revision != connections->state->scopes.revision) {
		connections->sent_revision = connections->state->scopes.revision;
		LIST_FOREACH(connection, &connections->watchers, watch_link)
			send_news(connection);
	}
	/* Up to what is last now. What gets ready meanwhile has changes that are not in the store
	 * yet. */
	last = TAILQ_LAST(&connections->ready, connection_ready);
	for (connection = TAILQ_FIRST(&connections->ready); connection; connection = next) {
		next = connection == last ? NULL : TAILQ_NEXT(connection, ready_link);
		flush(connection);
	}
	return !TAILQ_EMPTY(&connections->ready);
}

void connections_scope_ends(struct connections *connections, const struct scope *scope)
{
	struct connection *connection, *next;

	for (connection = LIST_FIRST(&connections->watchers); connection; connection = next) {
		next = LIST_NEXT(connection, watch_link);
		if (connection->watched != scope)
			continue;
		stop_watching(connection);
		add_error(connection, WIRE_SCOPE_ENDED, TEXT("the scope has ended"));
		stop_reading(connection);
	}
}

/* One line, as far as it goes out at once. */
static void send_error(struct connections *connections, int fd, enum wire_code code,
		       struct text message)
{
	struct buf reply = start_reply(connections);

	write_error(&reply, code, message);
	send(fd, reply.data, reply.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Whether one more connection is possible; if need be the one that has been idle for the longest
 * time is ended. Those that wait for something are not idle. */
static bool evict_idle(struct connections *connections)
{
	struct connection *connection = TAILQ_FIRST(&connections->all);

	if (connections->count < CONNECTIONS_MAX)
		return true;
	while (connection && (connection->watched || connection->is_ready ||
			      connection->is_waiting || unsent_bytes(connection) ||
			      evbuffer_get_length(bufferevent_get_input(connection->stream))))
		connection = TAILQ_NEXT(connection, link);
	if (!connection || clock_monotonic_ms() < connection->last_ms + IDLE_MS_MIN)
		return false;
	send_error(connections, bufferevent_getfd(connection->stream), WIRE_TIMED_OUT,
		   TEXT("1,024 connections are open, and this one was idle for the longest time"));
	end_connection(connection);
	return true;
}

/* Who connected. A request may have waited long for this service to run, so the pid alone is not
 * believed: the kernel's handle of the process (Linux 6.5) says whether it is still the same. */
static struct peer look_up_peer(const struct state *state, int fd, pid_t pid)
{
	struct peer peer = { .pid = pid, .not_after = process_ticks() };
	struct process process;
	struct pollfd handle;

	/* Without scopes of processes nobody's process matters. */
	if (!pid || !state->scopes.processes)
		return peer;
	if (!state->processes.lookup(state->processes.arg, pid, &process))
		peer.not_after = process.start;
	handle = (struct pollfd){ .fd = process_peer_pidfd(fd), .events = POLLIN };
	peer.has_ended = handle.fd >= 0 ? poll(&handle, 1, 0) > 0 :
					  handle.fd == -ESRCH || handle.fd == -EINVAL;
	fd_close(handle.fd);
	return peer;
}

static bool make_connection(struct connections *connections, int fd, pid_t pid)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return false;
	connection->all = connections;
	connection->page_fd = -1;
	connection->peer = look_up_peer(connections->state, fd, pid);
	connection->last_ms = connections->last_ms;
	connection->line_timer = evtimer_new(connections->base, on_line_timer, connection);
	connection->replies = evbuffer_new();
	connection->stream = bufferevent_socket_new(connections->base, fd, BEV_OPT_CLOSE_ON_FREE);
	TAILQ_INSERT_TAIL(&connections->all, connection, link);
	connections->count++;
	if (!connection->line_timer || !connection->replies || !connection->stream) {
		if (connection->stream)
			bufferevent_setfd(connection->stream, -1); /* the caller's */
		end_connection(connection);
		return false;
	}
	bufferevent_setcb(connection->stream, on_input, on_drained, on_stream_event, connection);
	bufferevent_setwatermark(connection->stream, EV_READ, 0, INPUT_BYTES_MAX);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	return true;
}

void connections_accept(struct connections *connections, int fd)
{
	enum wire_code code = WIRE_NO_MEMORY;
	struct text message = TEXT("the service is out of memory");
	pid_t pid = 0;

	connections->last_ms = clock_monotonic_ms();
	if (!socket_peer_ok(fd, &pid)) {
		code = WIRE_FORBIDDEN;
		message = TEXT("this is the context service of another user");
	} else if (!evict_idle(connections)) {
		code = WIRE_TOO_MANY;
		message = TEXT("1,024 connections are open: no more are taken");
	} else if (make_connection(connections, fd, pid)) {
		return;
	}
	send_error(connections, fd, code, message);
	fd_close(fd);
}

void connections_init(struct connections *connections, struct state *state, struct event_base *base)
{
	*connections = (struct connections){
		.state = state,
		.base = base,
		.sent_revision = state->scopes.revision,
		.last_ms = clock_monotonic_ms(),
	};
	TAILQ_INIT(&connections->all);
	TAILQ_INIT(&connections->ready);
	LIST_INIT(&connections->watchers);
}

void connections_release(struct connections *connections)
{
	struct connection *connection;

	connections_flush(connections);
	/* It takes itself off the list; clang's analyzer does not follow that. */
	while ((connection = TAILQ_FIRST(&connections->all)))
		end_connection(connection); /* NOLINT(clang-analyzer-unix.Malloc) */
}
