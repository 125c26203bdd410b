// SPDX-License-Identifier: MIT
/*
 * Connections. Replies leave in the order of the requests, and those to changes not before the
 * store has them. One that does not read its replies is not read from either.
 */
#include "daemon/connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "daemon/proc.h"
#include "protocol/socket_path.h"
#include "protocol/reply.h"

struct connection {
	TAILQ_ENTRY(connection) link, ready_link;
	LIST_ENTRY(connection) watch_link;
	struct connections *all;
	struct event *readable, *writable, *line_timer;
	struct evbuffer *output;
	struct peer peer;
	struct scope *watched; /* NULL: it does not watch */
	uint64_t told; /* the revision that the watcher knows of */
	uint64_t ticket; /* of the store: nothing is sent before it is done */
	uint64_t last_ms; /* when it asked last */
	char *rest; /* what is not answered yet: a part of a line, or lines while it is paused */
	size_t rest_len;
	int fd;
	int page_fd; /* goes with the first byte of the output; -1: none */
	bool is_ready; /* on the ready list */
	bool paused; /* too many replies are unread */
	bool ending; /* closed when its replies are sent; nothing is read any more */
};

static void end_connection(struct connection *connection)
{
	struct connections *all = connection->all;

	if (connection->watched)
		LIST_REMOVE(connection, watch_link);
	if (connection->is_ready)
		TAILQ_REMOVE(&all->ready, connection, ready_link);
	TAILQ_REMOVE(&all->all, connection, link);
	all->count--;
	all->last_ms = clock_monotonic_ms();
	if (connection->readable)
		event_free(connection->readable);
	if (connection->writable)
		event_free(connection->writable);
	if (connection->line_timer)
		event_free(connection->line_timer);
	if (connection->output)
		evbuffer_free(connection->output);
	fd_close(connection->page_fd);
	fd_close(connection->fd);
	free(connection->rest);
	free(connection);
}

/* It asks: the list of all is in the order in which they did so last. */
static void touch(struct connection *connection)
{
	struct connections *all = connection->all;

	connection->last_ms = all->last_ms = clock_monotonic_ms();
	TAILQ_REMOVE(&all->all, connection, link);
	TAILQ_INSERT_TAIL(&all->all, connection, link);
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
	connection->ending = true;
	event_del(connection->readable);
	event_del(connection->line_timer);
	make_ready(connection); /* so that it is closed in any case */
}

static void stop_watching(struct connection *connection)
{
	if (connection->watched)
		LIST_REMOVE(connection, watch_link);
	connection->watched = NULL;
}

static struct buf start_reply(struct connection *connection)
{
	struct buf reply;

	buf_init(&reply, connection->all->output, sizeof(connection->all->output));
	return reply;
}

/* Without memory for the reply the connection ends: a missing line would put all later ones out of
 * step. */
static void add_reply(struct connection *connection, const struct buf *reply)
{
	if (evbuffer_add(connection->output, reply->data, reply->len) < 0)
		stop_reading(connection);
	make_ready(connection);
}

static void add_error(struct connection *connection, enum wire_code code, struct text message)
{
	struct buf reply = start_reply(connection);

	notice_event("refuse", { "code", text_of(wire_code_name(code)) }, { "message", message });
	wire_write_error(&reply, code, message);
	add_reply(connection, &reply);
}

static void start_watching(struct connection *connection, struct scope *scope)
{
	connection->watched = scope;
	connection->told = connection->all->core->scopes.revision;
	LIST_INSERT_HEAD(&connection->all->watchers, connection, watch_link);
}

static void answer_line(struct connection *connection, char *line, size_t len)
{
	struct buf reply = start_reply(connection);
	/* Descriptors go with the first byte of the output. */
	struct answer answer = { .may_pass = !evbuffer_get_length(connection->output) };

	if (connection->watched) {
		add_error(connection, WIRE_BAD_OP,
			  TEXT("this connection watches; ask on another one"));
		return;
	}
	core_answer(connection->all->core, &connection->peer, line, len, &reply, &answer);
	if (answer.waits)
		connection->ticket = store_ticket(connection->all->core->store);
	if (answer.watch)
		start_watching(connection, answer.watch);
	if (answer.page_fd >= 0)
		connection->page_fd = answer.page_fd;
	add_reply(connection, &reply);
}

static bool is_full(const struct connection *connection)
{
	return evbuffer_get_length(connection->output) > OUTPUT_BYTES_MAX;
}

/* Answers the whole lines, as long as their replies find room. The number of answered lines. */
static size_t answer_lines(struct connection *connection, struct frame *frame)
{
	size_t len, count = 0;
	char *line;
	int result;

	while (!connection->ending && !is_full(connection)) {
		result = frame_next(frame, &line, &len);
		if (result < 0) {
			add_error(connection, WIRE_TOO_LONG,
				  TEXT("a line has at most 65,536 bytes"));
			stop_reading(connection);
		}
		if (result <= 0)
			break;
		answer_line(connection, line, len);
		count++;
	}
	return count;
}

static void keep_rest(struct connection *connection, const struct frame *frame)
{
	const char *bytes;
	size_t len = frame_pending(frame, &bytes);
	char *copy;

	if (!len) {
		free(connection->rest);
		connection->rest = NULL;
		connection->rest_len = 0;
		return;
	}
	copy = realloc(connection->rest, len);
	if (!copy) {
		stop_reading(connection);
		return;
	}
	memcpy(copy, bytes, len);
	connection->rest = copy;
	connection->rest_len = len;
}

/* The clock runs from the first byte of a line: one that drips in slowly gains nothing. */
static void time_line(struct connection *connection, bool answered)
{
	const struct timeval limit = { LINE_MS_MAX / 1000, LINE_MS_MAX % 1000 * 1000 };

	if (answered || !connection->rest_len || connection->paused)
		event_del(connection->line_timer);
	if (connection->rest_len && !connection->paused && !connection->ending &&
	    !event_pending(connection->line_timer, EV_TIMEOUT, NULL))
		event_add(connection->line_timer, &limit);
}

/* Answers what is in the frame, and keeps what is not answered. */
static void go_on(struct connection *connection, struct frame *frame)
{
	size_t answered = answer_lines(connection, frame);

	keep_rest(connection, frame);
	if (!connection->ending && is_full(connection)) {
		connection->paused = true;
		event_del(connection->readable);
	}
	time_line(connection, answered > 0);
	if (answered)
		touch(connection);
}

static struct frame frame_of(struct connection *connection)
{
	struct connections *all = connection->all;
	struct frame frame;

	if (connection->rest_len)
		memcpy(all->input, connection->rest, connection->rest_len);
	frame_init(&frame, all->input, sizeof(all->input), connection->rest_len);
	return frame;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	struct frame frame = frame_of(connection);
	size_t room;
	char *space = frame_space(&frame, &room);
	ssize_t got = read(fd, space, room);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		stop_reading(connection);
		stop_watching(connection);
		return;
	}
	frame_added(&frame, (size_t)got);
	go_on(connection, &frame);
}

static void on_line_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	add_error(connection, WIRE_TIMED_OUT, TEXT("the rest of a line did not come within ten "
						   "seconds"));
	stop_reading(connection);
}

/* The replies were read: on with the lines that waited, then with reading. */
static void resume(struct connection *connection)
{
	struct frame frame = frame_of(connection);

	connection->paused = false;
	event_add(connection->readable, NULL);
	go_on(connection, &frame);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	if (connection->paused && !evbuffer_get_length(connection->output))
		resume(connection);
	make_ready(connection);
}

/* Whether there was something new to tell. A watcher that has not read the last reply yet is told
 * when it has, and then only how things are at that time. */
static bool tell(struct connection *connection)
{
	const struct core *core = connection->all->core;
	uint64_t told = connection->told;
	struct buf reply;

	if (!connection->watched || evbuffer_get_length(connection->output))
		return false;
	connection->told = core->scopes.revision;
	if (scope_effective_changed(&core->scopes, connection->watched) <= told)
		return false;
	reply = start_reply(connection);
	core_write_context(core, connection->watched, false, &reply);
	add_reply(connection, &reply);
	return true;
}

/* The first piece of the output, and with it two descriptors: the page, and the service's own. A
 * receiver without room for them gets the line alone, and does without. */
static int send_with_page(struct connection *connection)
{
	const struct pages *pages = connection->all->core->pages;
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
	evbuffer_peek(connection->output, -1, NULL, &piece, 1);
	bytes = (struct iovec){ piece.iov_base, piece.iov_len };
	sent = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return -1;
	evbuffer_drain(connection->output, (size_t)sent);
	fd_close(connection->page_fd);
	connection->page_fd = -1;
	return 0;
}

static int send_output(struct connection *connection)
{
	if (connection->page_fd >= 0 && send_with_page(connection) < 0) {
		if (errno != ETOOMANYREFS)
			return -1;
		fd_close(connection->page_fd); /* too many are on their way: the line alone */
		connection->page_fd = -1;
	}
	return evbuffer_get_length(connection->output) ?
		       evbuffer_write(connection->output, connection->fd) : 0;
}

/* Sends what may be sent. The connection may be gone afterwards. */
static void flush(struct connection *connection)
{
	struct evbuffer *output = connection->output;

	if (connection->ticket > store_done(connection->all->core->store))
		return; /* stays ready */
	if (evbuffer_get_length(output) && send_output(connection) < 0 &&
	    errno != EAGAIN && errno != EINTR) {
		end_connection(connection);
		return;
	}
	connection->is_ready = false;
	TAILQ_REMOVE(&connection->all->ready, connection, ready_link);
	if (evbuffer_get_length(output))
		event_add(connection->writable, NULL);
	else if (connection->ending)
		end_connection(connection);
	else if (connection->paused || tell(connection))
		event_active(connection->writable, EV_WRITE, 0); /* on with it in the next turn */
}

void connections_flush(struct connections *connections)
{
	struct connection *connection, *next, *last;

	if (connections->told != connections->core->scopes.revision) {
		connections->told = connections->core->scopes.revision;
		connection = LIST_FIRST(&connections->watchers);
		for (; connection; connection = LIST_NEXT(connection, watch_link))
			tell(connection);
	}
	/* Up to what is last now: one that has more to tell comes back at the end. */
	last = TAILQ_LAST(&connections->ready, connection_ready);
	for (connection = TAILQ_FIRST(&connections->ready); connection; connection = next) {
		next = connection == last ? NULL : TAILQ_NEXT(connection, ready_link);
		flush(connection);
	}
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
	struct buf reply;

	notice_event("refuse", { "code", text_of(wire_code_name(code)) }, { "message", message });
	buf_init(&reply, connections->output, sizeof(connections->output));
	wire_write_error(&reply, code, message);
	send(fd, reply.data, reply.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void turn_away(struct connections *connections, int fd, enum wire_code code,
		      struct text message)
{
	send_error(connections, fd, code, message);
	fd_close(fd);
}

/* Whether there is room for one more connection, if need be because the one that asked nothing for
 * the longest time is ended. Those that wait for something are not idle. */
static bool make_room(struct connections *connections)
{
	struct connection *connection = TAILQ_FIRST(&connections->all);

	if (connections->count < CONNECTIONS_MAX)
		return true;
	while (connection && (connection->watched || connection->is_ready || connection->rest_len ||
			      evbuffer_get_length(connection->output)))
		connection = TAILQ_NEXT(connection, link);
	if (!connection || clock_monotonic_ms() < connection->last_ms + IDLE_MS_MIN)
		return false;
	send_error(connections, connection->fd, WIRE_TIMED_OUT,
		   TEXT("1,024 connections are open, and this one was idle for the longest time"));
	end_connection(connection);
	return true;
}

static struct connection *make_connection(struct connections *connections, int fd, pid_t pid)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct event_base *base = connections->base;

	if (!connection)
		return NULL;
	connection->all = connections;
	connection->fd = fd;
	connection->page_fd = -1;
	connection->peer = (struct peer){ pid, process_ticks() };
	connection->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, connection);
	connection->writable = event_new(base, fd, EV_WRITE, on_writable, connection);
	connection->line_timer = evtimer_new(base, on_line_timer, connection);
	connection->output = evbuffer_new();
	connection->last_ms = connections->last_ms;
	TAILQ_INSERT_TAIL(&connections->all, connection, link);
	connections->count++;
	if (connection->readable && connection->writable && connection->line_timer &&
	    connection->output && !event_add(connection->readable, NULL))
		return connection;
	connection->fd = -1; /* the caller's */
	end_connection(connection);
	return NULL;
}

void connections_accept(struct connections *connections, int fd)
{
	pid_t pid = 0;

	connections->last_ms = clock_monotonic_ms();
	if (!socket_peer_ok(fd, &pid))
		turn_away(connections, fd, WIRE_FORBIDDEN,
			  TEXT("this is the context service of another user"));
	else if (!make_room(connections))
		turn_away(connections, fd, WIRE_TOO_MANY,
			  TEXT("1,024 connections are open: no more are taken"));
	else if (!make_connection(connections, fd, pid))
		turn_away(connections, fd, WIRE_NO_MEMORY, TEXT("the service is out of memory"));
}

void connections_init(struct connections *connections, struct core *core, struct event_base *base)
{
	connections->core = core;
	connections->base = base;
	TAILQ_INIT(&connections->all);
	TAILQ_INIT(&connections->ready);
	LIST_INIT(&connections->watchers);
	connections->count = 0;
	connections->told = core->scopes.revision;
	connections->last_ms = clock_monotonic_ms();
}

void connections_release(struct connections *connections)
{
	struct connection *connection;

	connections_flush(connections);
	/* It takes itself off the list; clang's analyzer does not follow that. */
	while ((connection = TAILQ_FIRST(&connections->all)))
		end_connection(connection); /* NOLINT(clang-analyzer-unix.Malloc) */
}
