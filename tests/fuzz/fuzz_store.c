// SPDX-License-Identifier: MIT
/*
 * What comes from a store. An input that begins with { is a row of the file: what was read is written and read again.
 * Any other is what the server of a shared store sends, after its connections are set up, line by line:
 *   c BYTES, m BYTES              on the connection for commands, or for messages, as it is, and CR LF
 *   C WORD TAB WORD..., M ...     the same, as an array of texts
 *   P NAME TAB TEXT               a message on the channel of a scope
 *   ? LINE                        no bytes of the server: a request of the service's client
 * Every request gets one line that a client can read, now or later; no value is held that a client could not have
 * set; no message takes a scope back to an earlier revision.
 */
#include "fuzz.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon_limits.h"
#include "daemon/state.h"
#include "protocol/message.h"
#include "protocol/reply.h"

#define SEND_BYTES 65536

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct event_base *base;
static struct state state;
static int server[2]; /* the server's ends, in the order in which the store connects */
static size_t connected, asked, answered;

/* Instead of libevent's: no name is looked up, and what is connected to is here. */
struct evdns_base *evdns_base_new(struct event_base *events, int flags)
{
	return (void *)&state;
}

void evdns_base_free(struct evdns_base *dns, int fail_requests)
{
}

int bufferevent_socket_connect_hostname(struct bufferevent *stream, struct evdns_base *dns, int family,
					const char *host, int port)
{
	int ends[2];

	if (connected == 2)
		return -1; /* once for each input is enough */
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
	bufferevent_setfd(stream, ends[0]);
	server[connected++] = ends[1];
	bufferevent_trigger_event(stream, BEV_EVENT_CONNECTED, BEV_TRIG_DEFER_CALLBACKS);
	return 0;
}

static int no_process(void *arg, pid_t pid, struct process *ret_process)
{
	return -ESRCH;
}

static bool shares_no_pids(pid_t pid)
{
	return false;
}

static int on_open(void *arg, struct scope *scope)
{
	return 0;
}

static void on_end(void *arg, struct scope *scope)
{
}

static void check_reply(const struct buf *line)
{
	struct wire_reply reply;
	char *copy = fuzz_copy(line->data, line->len);

	CHECK(line->len && line->data[line->len - 1] == '\n');
	CHECK(!wire_read_reply(copy, line->len - 1, &reply));
	free(copy);
	answered++;
}

static void on_reply(void *arg, void *connection, const struct buf *reply, const struct answer *answer)
{
	check_reply(reply);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsetenv("HOME");
	unsetenv("XDG_STATE_HOME"); /* no file for the scopes of processes */
	base = event_base_new();
	CHECK(base);
	return 0;
}

static void turn(void)
{
	char unread[4096];

	event_base_loop(base, EVLOOP_NONBLOCK);
	state_commit(&state);
	for (size_t i = 0; i < connected; i++) {
		while (read(server[i], unread, sizeof(unread)) > 0)
			;
	}
}

static void send_bytes(size_t link, const char *bytes, size_t len)
{
	if (send(server[link], bytes, len, MSG_NOSIGNAL) == (ssize_t)len)
		turn();
}

static void send_line(size_t link, const char *bytes, size_t len)
{
	static char memory[SEND_BYTES];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	buf_add(&buf, (struct text){ bytes, len });
	buf_add(&buf, TEXT("\r\n"));
	if (!buf.full)
		send_bytes(link, memory, buf.len);
}

static void send_array(size_t link, const struct text *words, size_t count)
{
	static char memory[SEND_BYTES];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	buf_char(&buf, '*');
	buf_number(&buf, count);
	for (size_t i = 0; i < count; i++) {
		buf_add(&buf, TEXT("\r\n$"));
		buf_number(&buf, words[i].len);
		buf_add(&buf, TEXT("\r\n"));
		buf_add(&buf, words[i]);
	}
	buf_add(&buf, TEXT("\r\n"));
	if (!buf.full)
		send_bytes(link, memory, buf.len);
}

static void send_words(size_t link, const char *at, size_t len)
{
	struct text words[80];
	size_t count = 0;

	while (count < 80) {
		const char *tab = memchr(at, '\t', len);
		size_t word = tab ? (size_t)(tab - at) : len;

		words[count++] = (struct text){ at, word };
		if (!tab)
			break;
		at += word + 1;
		len -= word + 1;
	}
	send_array(link, words, count);
}

static void publish(const char *at, size_t len)
{
	const char *tab = memchr(at, '\t', len);
	char channel[WIRE_NAME_BYTES_MAX + 32];
	size_t name = tab ? (size_t)(tab - at) : len;
	struct scope *scope = scopes_by_name(&state.scopes, (struct text){ at, name });
	uint64_t revision = scope ? scope->store_revision : 0;
	struct text words[3] = { TEXT("message") };

	if (!tab || name > WIRE_NAME_BYTES_MAX)
		return;
	snprintf(channel, sizeof(channel), "tagalong:changes:0:%.*s", (int)name, at);
	words[1] = text_of(channel);
	words[2] = (struct text){ tab + 1, len - name - 1 };
	send_array(1, words, 3);
	scope = scopes_by_name(&state.scopes, (struct text){ at, name });
	CHECK(!scope || scope->store_revision >= revision);
}

static void ask(const char *bytes, size_t len)
{
	static char memory[FRAME_BYTES + 1];
	const struct peer peer = { .pid = 0, .not_after = 1000 };
	struct answer answer = { .may_pass = false, .connection = &state };
	char *line = fuzz_copy(bytes, len);
	struct buf reply;

	buf_init(&reply, memory, sizeof(memory));
	state_answer(&state, &peer, line, len, &reply, &answer);
	asked++;
	if (!answer.is_pending)
		check_reply(&reply);
	free(line);
	turn();
}

static void check_scopes(void)
{
	struct text value[FIELD_COUNT];
	struct scope *scope;

	TAILQ_FOREACH(scope, &state.scopes.order, order) {
		CHECK(wire_name_ok(text_of(scope->name)));
		scope_values(scope, value);
		for (enum field field = 0; field < FIELD_COUNT; field++)
			CHECK(!value[field].len || !wire_value_error(field, value[field]));
	}
}

static void take_line(const char *line, size_t len)
{
	if (len < 2 || connected < 2)
		return;
	switch (line[0]) {
	case 'c':
	case 'm':
		send_line(line[0] == 'm', line + 2, len - 2);
		break;
	case 'C':
	case 'M':
		send_words(line[0] == 'M', line + 2, len - 2);
		break;
	case 'P':
		publish(line + 2, len - 2);
		break;
	case '?':
		ask(line + 2, len - 2);
		break;
	default:
		break;
	}
	check_scopes();
}

static void converse(const char *at, const char *end)
{
	static const char subscribed[] = "*3\r\n$9\r\nsubscribe\r\n$26\r\ntagalong:changes:0:default\r\n:1\r\n";
	bool is_up;

	state = (struct state){ .processes = { no_process, NULL, shares_no_pids },
				.on_open = on_open,
				.on_end = on_end,
				.on_reply = on_reply };
	connected = asked = answered = 0;
	CHECK(!state_start(&state, "redis://store", base));
	for (size_t i = 0; i < 3; i++)
		turn();
	CHECK(connected == 2);
	send_array(0, (struct text[]){ TEXT("1790000000"), TEXT("0") }, 2);
	send_bytes(1, subscribed, sizeof(subscribed) - 1);
	CHECK(!shared_store_fault(state.shared));
	send_bytes(1, subscribed, sizeof(subscribed) - 1); /* the default scope is asked for */
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		take_line(at, len);
		at += len + 1;
	}
	is_up = !shared_store_fault(state.shared);
	for (size_t i = 0; i < 2; i++) {
		close(server[i]);
		server[i] = -1;
	}
	turn();
	CHECK(shared_store_fault(state.shared));
	/* What is asked while the store is away waits for a while. */
	CHECK(answered == asked || (!is_up && answered < asked));
	state_stop(&state);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void check_row(const char *data, size_t size)
{
	char *line = fuzz_copy(data, size), *memory = fuzz_copy("", 8 * size + 1024);
	struct store_row row, again;
	struct buf buf;

	if (store_row_read(line, size, &row)) {
		buf_init(&buf, memory, 8 * size + 1024);
		store_row_write(&buf, &row);
		CHECK(!buf.full && store_row_read(memory, buf.len, &again));
		CHECK(row.revision == again.revision && row.serial == again.serial && row.pid == again.pid);
		CHECK(row.start == again.start && row.expires_ms == again.expires_ms);
		CHECK(text_eq(row.name, again.name) && text_eq(row.parent, again.parent));
		CHECK(fuzz_same_values(row.value, again.value));
		CHECK(fuzz_same_values(row.opened_with, again.opened_with));
	}
	free(line);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size && text[0] == '{')
		check_row(text, size);
	else
		converse(text, text + size);
	return 0;
}
