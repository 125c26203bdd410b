// SPDX-License-Identifier: MIT
/* The shared store in Redis or Valkey. Two connections: one for commands, one that is subscribed
 * to a channel for each name in use, because in RESP2 a subscribed connection takes no other
 * command. Both live and end together. A name is read once its subscription is confirmed, so no
 * change falls between. libevent does the I/O (with OpenSSL for rediss:), hiredis reads and
 * writes the protocol. */
#include "daemon/shared_store.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "daemon/shared_address.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/hash_index.h"
#include "lib/json.h"
#include "lib/random.h"
#include "protocol/message.h"
#include "shared_script.h"

#define FAULT_BYTES_MAX 256
/* op, deadline, ttl, channel; then a name and a value for each field. */
#define SCRIPT_ARGUMENTS_MAX (4 + 2 * FIELD_COUNT)
/* EVAL, script, number of keys, key. */
#define EVAL_WORDS 4

enum link_kind { COMMANDS, MESSAGES, LINKS };

/* What a reply on the commands' connection answers, in the order in which they were sent. */
enum command_kind { COMMAND_SETUP, COMMAND_TIME, COMMAND_ASK };

struct command {
	TAILQ_ENTRY(command) link;
	enum command_kind kind;
	enum shared_op op;
	void *request; /* NULL: nobody waits for the answer */
	uint64_t deadline_ms; /* of the answer */
	uint64_t sent_revision; /* the scope's newest revision when it was sent */
	size_t count; /* of the script's arguments */
	/* Into `memory`; the deadline's is filled when it is sent. */
	char *argument[SCRIPT_ARGUMENTS_MAX];
	size_t bytes[SCRIPT_ARGUMENTS_MAX];
	char name[WIRE_NAME_BYTES_MAX + 1];
	char memory[];
};

TAILQ_HEAD(command_list, command);

/* A name in use. */
struct used_name {
	struct index_entry by_name;
	TAILQ_ENTRY(used_name) link;
	uint64_t revision; /* the newest that was seen */
	uint64_t used_ms;
	bool is_subscribed, is_cached, is_foreign;
	char name[];
};

struct connection_link {
	struct shared_store *store;
	struct bufferevent *stream;
	redisReader *reader;
	bool is_up; /* it has answered */
	uint64_t heard_ms, pinged_ms;
};

struct shared_store {
	struct shared_owner owner;
	struct event_base *base;
	struct evdns_base *dns;
	struct event *tick;
	struct connection_link link[LINKS];
	struct shared_address address;
	char fault[FAULT_BYTES_MAX]; /* why there is no connection; empty: there is one */
	bool was_reported;
	bool is_connected; /* both connections have answered */
	uint64_t connect_at_ms, connecting_since_ms, backoff_ms, away_since_ms;
	uint64_t reread_at_ms, time_asked_ms;
	int64_t clock_offset_ms; /* of the server's clock, over ours */
	struct command_list waiting, sent;
	struct index names;
	TAILQ_HEAD(used_list, used_name) used; /* least recently used first */
};

static void disconnect(struct shared_store *store, const char *reason);

bool shared_store_is_url(const char *url)
{
	return url && (!strncmp(url, "redis://", 8) || !strncmp(url, "rediss://", 9));
}

const char *shared_store_address(const struct shared_store *store)
{
	return store->address.text;
}

const char *shared_store_fault(const struct shared_store *store)
{
	if (store->is_connected)
		return NULL;
	return store->fault[0] ? store->fault : "not connected yet";
}

/* ---- names in use ---- */

static struct used_name *find_name(const struct shared_store *store, struct text name)
{
	struct index_entry *entry = index_first(&store->names, index_text_key(name));

	for (; entry; entry = index_next(entry)) {
		struct used_name *used = (struct used_name *)(void *)((char *)entry -
								      offsetof(struct used_name,
									       by_name));

		if (text_eq(name, text_of(used->name)))
			return used;
	}
	return NULL;
}

static void drop_name(struct shared_store *store, struct used_name *used)
{
	index_remove(&store->names, &used->by_name);
	TAILQ_REMOVE(&store->used, used, link);
	free(used);
}

#define KEY_BYTES_MAX (SHARED_PREFIX_BYTES_MAX + WIRE_NAME_BYTES_MAX + 24)

/* "PREFIXscope:NAME" */
static struct text key_of(const struct shared_store *store, struct text name,
			  char memory[KEY_BYTES_MAX])
{
	struct buf buf;

	buf_init(&buf, memory, KEY_BYTES_MAX);
	buf_add(&buf, text_of(store->address.prefix));
	buf_add(&buf, TEXT("scope:"));
	buf_add(&buf, name);
	return buf_since(&buf, 0);
}

/* "PREFIXchanges:DATABASE:NAME": channels are not of one database. */
static struct text channel_of(const struct shared_store *store, struct text name,
			      char memory[KEY_BYTES_MAX])
{
	struct buf buf;

	buf_init(&buf, memory, KEY_BYTES_MAX);
	buf_add(&buf, text_of(store->address.prefix));
	buf_add(&buf, TEXT("changes:"));
	buf_number(&buf, (uint64_t)store->address.database);
	buf_char(&buf, ':');
	buf_add(&buf, name);
	return buf_since(&buf, 0);
}

/* ---- sending ---- */

static void send_words(struct shared_store *store, enum link_kind link, size_t count,
		       const char *words[], const size_t bytes[])
{
	char *text;
	int len = redisFormatCommandArgv(&text, (int)count, words, bytes);

	if (len < 0)
		return; /* no memory: the missing reply breaks the connection */
	bufferevent_write(store->link[link].stream, text, (size_t)len);
	redisFreeCommand(text);
}

static void send_two(struct shared_store *store, enum link_kind link, const char *word,
		     struct text argument)
{
	const char *words[] = { word, argument.ptr };
	const size_t bytes[] = { strlen(word), argument.len };

	send_words(store, link, argument.len ? 2 : 1, words, bytes);
}

static void subscribe(struct shared_store *store, const char *word, struct text name)
{
	char memory[KEY_BYTES_MAX];

	send_two(store, MESSAGES, word, channel_of(store, name, memory));
}

static struct command *new_command(enum command_kind kind, size_t bytes)
{
	struct command *command = calloc(1, sizeof(*command) + bytes);

	if (!command)
		return NULL;
	command->kind = kind;
	command->deadline_ms = clock_monotonic_ms() + SHARED_ANSWER_MS;
	return command;
}

static void tick_in(struct shared_store *store, uint64_t ms)
{
	const struct timeval interval = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	event_add(store->tick, &interval);
}

/* The script gets the deadline in the server's time, a little earlier than ours: so a change
 * that it makes is answered before our deadline, unless the connection breaks. */
static void send_command(struct shared_store *store, struct command *command)
{
	char key_memory[KEY_BYTES_MAX], channel_memory[KEY_BYTES_MAX], deadline_memory[24];
	const char *words[EVAL_WORDS + SCRIPT_ARGUMENTS_MAX];
	size_t bytes[EVAL_WORDS + SCRIPT_ARGUMENTS_MAX];
	struct text key = key_of(store, text_of(command->name), key_memory);
	struct text channel = channel_of(store, text_of(command->name), channel_memory);
	struct used_name *used = find_name(store, text_of(command->name));
	struct buf deadline;

	TAILQ_INSERT_TAIL(&store->sent, command, link);
	if (command->kind == COMMAND_TIME) {
		send_two(store, COMMANDS, "TIME", (struct text){ NULL, 0 });
		return;
	}
	command->sent_revision = used ? used->revision : 0;
	buf_init(&deadline, deadline_memory, sizeof(deadline_memory));
	buf_number(&deadline, command->op == SHARED_GET ? 0 :
							  (uint64_t)((int64_t)command->deadline_ms +
								     store->clock_offset_ms) -
								  SHARED_MARGIN_MS);
	words[0] = "EVAL";
	words[1] = shared_script;
	words[2] = "1";
	words[3] = key.ptr;
	bytes[0] = 4;
	bytes[1] = sizeof(shared_script) - 1;
	bytes[2] = 1;
	bytes[3] = key.len;
	for (size_t i = 0; i < command->count; i++) {
		words[EVAL_WORDS + i] = command->argument[i];
		bytes[EVAL_WORDS + i] = command->bytes[i];
	}
	words[EVAL_WORDS + 1] = deadline.data;
	bytes[EVAL_WORDS + 1] = deadline.len;
	words[EVAL_WORDS + 3] = channel.ptr;
	bytes[EVAL_WORDS + 3] = channel.len;
	send_words(store, COMMANDS, EVAL_WORDS + command->count, words, bytes);
	tick_in(store, SHARED_TICK_MS);
}

static void add_argument(struct command *command, char **at, struct text text)
{
	command->argument[command->count] = *at;
	command->bytes[command->count++] = text.len;
	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
}

static struct command *make_request(const struct shared_change *change, void *request)
{
	static const char *const op_words[] = {
		[SHARED_GET] = "get",	  [SHARED_SET] = "set",	    [SHARED_PUT] = "put",
		[SHARED_UNSET] = "unset", [SHARED_CLOSE] = "close",
	};
	size_t bytes = 64;
	struct command *command;
	struct buf number;
	char memory[24], *at;

	for (enum field field = 0; field < FIELD_COUNT; field++)
		bytes += strlen(field_name(field)) + change->value[field].len;
	command = new_command(COMMAND_ASK, bytes);
	if (!command)
		return NULL;
	command->op = change->op;
	command->request = request;
	memcpy(command->name, change->name.ptr, change->name.len);
	at = command->memory;
	buf_init(&number, memory, sizeof(memory));
	buf_number(&number, change->ttl_ms);
	add_argument(command, &at, text_of(op_words[change->op]));
	add_argument(command, &at, (struct text){ NULL, 0 }); /* the deadline */
	add_argument(command, &at, buf_since(&number, 0));
	add_argument(command, &at, (struct text){ NULL, 0 }); /* the channel */
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		bool sets = change->op == SHARED_SET || change->op == SHARED_PUT;

		if (!(sets ? change->value[field].len > 0 : change->unset[field]))
			continue;
		add_argument(command, &at, text_of(field_name(field)));
		if (sets)
			add_argument(command, &at, change->value[field]);
	}
	return command;
}

static void answer(struct shared_store *store, struct command *command, enum shared_result result,
		   const char *message)
{
	if (command->request)
		store->owner.on_answer(store->owner.arg, command->request, result, message);
	free(command);
}

static void read_name(struct shared_store *store, struct text name)
{
	const struct shared_change get = { .op = SHARED_GET, .name = name };
	struct command *command = make_request(&get, NULL);

	if (command)
		send_command(store, command);
}

/* ---- receiving ---- */

static struct text reply_text(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS &&
	    reply->type != REDIS_REPLY_ERROR)
		return (struct text){ NULL, 0 };
	return (struct text){ reply->str, (size_t)reply->len };
}

/* Adds one member to the row. False for a value that no daemon of ours would have written. */
static bool add_member(struct shared_row *row, struct text name, struct text value)
{
	enum field field = field_by_name(name);

	if (field == FIELD_COUNT) /* "v", "revision", or a later version's */
		return true;
	row->value[field] = value;
	return !wire_value_error(field, value);
}

/* "ok", whether it exists, its revision, its time to live, then its members: as texts. */
static bool parse_row(const struct text *part, size_t count, struct shared_row *ret_row)
{
	struct shared_row row = { .name = ret_row->name };
	unsigned long number;

	if (count < 4 || count % 2 || !text_eq(part[0], TEXT("ok")))
		return false;
	row.exists = text_eq(part[1], TEXT("1"));
	if (!text_number(part[2], INT64_MAX, &number))
		return false;
	row.revision = number;
	if (!text_number(part[3], INT64_MAX, &number))
		return false;
	row.ttl_ms = number;
	for (size_t i = 4; i < count; i += 2) {
		if (!add_member(&row, part[i], part[i + 1]))
			return false;
	}
	*ret_row = row;
	return true;
}

/* The value is not a scope of ours: it is neither used nor overwritten. */
static void on_foreign(struct shared_store *store, struct used_name *used)
{
	if (!used->is_foreign)
		notice_warning(
			"the value of scope %s in the store at %s is not a scope of tagalong's: "
			"it is ignored",
			used->name, store->address.text);
	used->is_foreign = used->is_cached = true;
	store->owner.on_stale(store->owner.arg, text_of(used->name));
}

/* `newest`: the row answers a read, and no newer one has arrived since that was sent. */
static void take_row(struct shared_store *store, struct used_name *used, const struct text *part,
		     size_t count, bool newest)
{
	struct shared_row row = { .name = text_of(used->name) };

	if (!parse_row(part, count, &row)) {
		on_foreign(store, used);
		return;
	}
	if (!newest && row.revision <= used->revision)
		return;
	used->revision = row.revision;
	used->is_cached = true;
	used->is_foreign = false;
	store->owner.on_row(store->owner.arg, &row);
}

static void on_asked(struct shared_store *store, struct command *command, const redisReply *reply)
{
	struct used_name *used = find_name(store, text_of(command->name));
	struct text part[SHARED_PARTS_MAX] = { { NULL, 0 } };
	enum shared_result result = SHARED_FAILED;
	char message[FAULT_BYTES_MAX] = "invalid reply from the store";
	size_t count = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
	bool is_replica;

	for (size_t i = 0; i < count && i < SHARED_PARTS_MAX; i++)
		part[i] = reply_text(reply->element[i]);
	if (reply->type == REDIS_REPLY_ERROR) {
		snprintf(message, sizeof(message), "the store refuses: %.*s", (int)reply->len,
			 reply->str);
		if (used && !command->request)
			store->owner.on_stale(store->owner.arg, text_of(used->name));
	} else if (!used) {
		snprintf(message, sizeof(message),
			 "too many scopes of the shared store are in use here");
	} else if (!count || count > SHARED_PARTS_MAX) {
		on_foreign(store, used);
	} else if (text_eq(part[0], TEXT("late"))) {
		snprintf(message, sizeof(message), "the store was too slow; nothing was changed");
	} else if (text_eq(part[0], TEXT("foreign"))) {
		snprintf(message, sizeof(message),
			 "the store has a value there that is not a scope's");
		on_foreign(store, used);
	} else if (text_eq(part[0], TEXT("absent"))) {
		result = SHARED_ABSENT;
	} else {
		result = SHARED_DONE;
		take_row(store, used, part, count, used->revision == command->sent_revision);
		if (used->is_foreign)
			result = SHARED_FAILED;
	}
	/* Before Redis 7 these words come after the place in the script. */
	is_replica = command->op != SHARED_GET && reply->type == REDIS_REPLY_ERROR &&
		     (strstr(reply->str, "READONLY") || strstr(reply->str, "MASTERDOWN"));
	answer(store, command, result, message);
	/* After a failover the name may lead to another server, which only a new connection
	 * asks. */
	if (is_replica)
		disconnect(store, "the server is a replica now");
}

static void on_time(struct shared_store *store, const redisReply *reply)
{
	unsigned long seconds, micros;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    !text_number(reply_text(reply->element[0]), INT32_MAX * 4UL, &seconds) ||
	    !text_number(reply_text(reply->element[1]), 999999, &micros)) {
		disconnect(store,
			   reply->type == REDIS_REPLY_ERROR ? reply->str : "no answer to TIME");
		return;
	}
	/* The reply took a while to arrive, so the server's clock is this or later. */
	store->clock_offset_ms = (int64_t)(seconds * 1000 + micros / 1000) -
				 (int64_t)clock_monotonic_ms();
	store->link[COMMANDS].is_up = true;
}

static void on_connected(struct shared_store *store)
{
	struct used_name *used;
	struct command *command;

	if (store->is_connected || !store->link[COMMANDS].is_up || !store->link[MESSAGES].is_up)
		return;
	store->is_connected = true;
	store->backoff_ms = 0;
	store->reread_at_ms = clock_monotonic_ms() + SHARED_REREAD_MS;
	if (store->was_reported)
		notice_warning("connected to the store at %s again", store->address.text);
	store->was_reported = false;
	notice_event("store", { "address", text_of(store->address.text) },
		     { "state", TEXT("connected") });
	TAILQ_FOREACH(used, &store->used, link)
		subscribe(store, "SUBSCRIBE", text_of(used->name));
	while ((command = TAILQ_FIRST(&store->waiting))) {
		TAILQ_REMOVE(&store->waiting, command, link);
		send_command(store, command);
	}
}

static void on_reply(struct shared_store *store, const redisReply *reply)
{
	struct command *command = TAILQ_FIRST(&store->sent);

	if (!command) {
		disconnect(store, "unexpected reply from the server");
		return;
	}
	TAILQ_REMOVE(&store->sent, command, link);
	if (command->kind == COMMAND_ASK) {
		on_asked(store, command, reply);
		return;
	}
	if (command->kind == COMMAND_TIME)
		on_time(store, reply);
	else if (reply->type == REDIS_REPLY_ERROR) /* AUTH or SELECT */
		disconnect(store, reply->str);
	free(command);
	if (store->link[COMMANDS].stream)
		on_connected(store);
}

/* A published change: the script's reply as a JSON array. */
static void on_change(struct shared_store *store, struct used_name *used, const redisReply *reply)
{
	struct text part[SHARED_PARTS_MAX];
	size_t count = 0;
	struct json json;

	json_init(&json, reply->str, (size_t)reply->len);
	json_array(&json);
	while (json_element(&json) && count < SHARED_PARTS_MAX && json_string(&json, &part[count]))
		count++;
	if (json_end(&json) && count && text_eq(part[0], TEXT("ok")))
		take_row(store, used, part, count, false);
	else
		read_name(store, text_of(used->name)); /* published by something else: read it */
}

/* RESP2: ["subscribe", channel, number], ["message", channel, text], ["pong", ""] ... */
static void on_message(struct shared_store *store, const redisReply *reply)
{
	struct text kind, channel, prefix;
	char memory[KEY_BYTES_MAX];
	struct used_name *used;

	if (reply->type == REDIS_REPLY_ERROR) {
		disconnect(store, reply->str);
		return;
	}
	if (reply->type == REDIS_REPLY_STATUS) /* of AUTH; SELECT does not matter to channels */
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2) {
		disconnect(store, "invalid message from the server");
		return;
	}
	kind = reply_text(reply->element[0]);
	channel = reply_text(reply->element[1]);
	prefix = channel_of(store, (struct text){ NULL, 0 }, memory);
	if (text_eq(kind, TEXT("pong"))) {
		store->link[MESSAGES].is_up = true;
		on_connected(store);
		return;
	}
	if (!text_starts_with(channel, prefix))
		return;
	if (text_eq(kind, TEXT("subscribe")) && !store->link[MESSAGES].is_up) {
		store->link[MESSAGES].is_up = true;
		on_connected(store);
		return; /* on_connected subscribes again, and the scope is read then */
	}
	used = find_name(store, text_from(channel, prefix.len));
	if (!used || !store->is_connected)
		return;
	if (text_eq(kind, TEXT("subscribe"))) {
		used->is_subscribed = true;
		read_name(store, text_of(used->name));
	} else if (text_eq(kind, TEXT("message")) && reply->elements == 3 &&
		   reply->element[2]->type == REDIS_REPLY_STRING) {
		on_change(store, used, reply->element[2]);
	}
}

static void on_input(struct bufferevent *stream, void *arg)
{
	struct connection_link *link = arg;
	struct shared_store *store = link->store;
	struct evbuffer *input = bufferevent_get_input(stream);
	void *reply;

	link->heard_ms = clock_monotonic_ms();
	while (evbuffer_get_length(input)) {
		size_t len = evbuffer_get_contiguous_space(input);

		if (redisReaderFeed(link->reader,
				    (const char *)evbuffer_pullup(input, (ev_ssize_t)len),
				    len) != REDIS_OK) {
			disconnect(store, "out of memory");
			return;
		}
		evbuffer_drain(input, len);
		for (;;) {
			if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
				disconnect(store,
					   "the server does not speak the protocol of Redis");
				return;
			}
			if (!reply)
				break;
			if (link == &store->link[COMMANDS])
				on_reply(store, reply);
			else
				on_message(store, reply);
			freeReplyObject(reply);
			if (!link->stream)
				return; /* disconnected */
		}
		if (link->reader->len - link->reader->pos > SHARED_REPLY_BYTES_MAX) {
			disconnect(store, "the server's answer is too long");
			return;
		}
	}
}

/* ---- connecting ---- */

static void close_link(struct connection_link *link)
{
	if (link->stream) {
		SSL *ssl = bufferevent_openssl_get_ssl(link->stream);

		if (ssl) {
			/* No close_notify is waited for. */
			SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
			SSL_shutdown(ssl);
		}
		bufferevent_free(link->stream);
	}
	if (link->reader)
		redisReaderFree(link->reader);
	link->stream = NULL;
	link->reader = NULL;
	link->is_up = false;
}

/* Away, until the next attempt. Requests that were sent fail; those that were not wait on. */
static void disconnect(struct shared_store *store, const char *reason)
{
	uint64_t now_ms = clock_monotonic_ms();
	struct command_list sent;
	struct command *command;
	struct used_name *used;
	uint8_t jitter = 0;
	bool was_connected = store->is_connected;

	snprintf(store->fault, sizeof(store->fault), "%s", reason);
	if (was_connected)
		store->away_since_ms = now_ms;
	if (!store->was_reported)
		notice_warning(
			"the store at %s is away: %s; going on with what was read before, and trying again",
			store->address.text, store->fault);
	store->was_reported = true;
	close_link(&store->link[COMMANDS]);
	close_link(&store->link[MESSAGES]);
	store->is_connected = false;
	random_fill(&jitter, sizeof(jitter)); /* so that not all machines come back at once */
	store->backoff_ms = store->backoff_ms ? store->backoff_ms * 2 : SHARED_BACKOFF_MS_MIN;
	if (store->backoff_ms > SHARED_BACKOFF_MS_MAX)
		store->backoff_ms = SHARED_BACKOFF_MS_MAX;
	store->connect_at_ms = now_ms + store->backoff_ms * (256 + jitter) / 512;
	TAILQ_INIT(&sent);
	TAILQ_CONCAT(&sent, &store->sent, link);
	while ((command = TAILQ_FIRST(&sent))) {
		char message[SHARED_ADDRESS_BYTES_MAX + FAULT_BYTES_MAX + 128];

		TAILQ_REMOVE(&sent, command, link);
		snprintf(message, sizeof(message), "the shared store at %s is away: %s%s",
			 store->address.text, store->fault,
			 command->op == SHARED_GET ? "" : "; the change may have been made");
		answer(store, command, SHARED_FAILED, message);
	}
	TAILQ_FOREACH(used, &store->used, link) {
		used->is_subscribed = false;
		if (was_connected)
			store->owner.on_stale(store->owner.arg, text_of(used->name));
	}
	tick_in(store, SHARED_TICK_MS);
}

/* AUTH and SELECT, then what shows that all went well. */
static void set_up(struct connection_link *link)
{
	struct shared_store *store = link->store;
	enum link_kind kind = link == &store->link[COMMANDS] ? COMMANDS : MESSAGES;
	const char *user = store->address.user, *password = store->address.password;
	const char *words[3] = { "AUTH", user ? user : password, password };
	const size_t bytes[3] = { 4, strlen(words[1] ? words[1] : ""),
				  strlen(words[2] ? words[2] : "") };
	struct command *command;
	char number[16];
	int one = 1;

	setsockopt(bufferevent_getfd(link->stream), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (password) {
		send_words(store, kind, user ? 3 : 2, words, bytes);
		if (kind == COMMANDS && (command = new_command(COMMAND_SETUP, 0)))
			TAILQ_INSERT_TAIL(&store->sent, command, link);
	}
	if (kind == MESSAGES) {
		subscribe(store, "SUBSCRIBE", TEXT("default"));
		return;
	}
	if (store->address.database) {
		snprintf(number, sizeof(number), "%d", store->address.database);
		send_two(store, kind, "SELECT", text_of(number));
		if ((command = new_command(COMMAND_SETUP, 0)))
			TAILQ_INSERT_TAIL(&store->sent, command, link);
	}
	if ((command = new_command(COMMAND_TIME, 0)))
		send_command(store, command);
}

static void on_link_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection_link *link = arg;
	struct shared_store *store = link->store;
	SSL *ssl = bufferevent_openssl_get_ssl(stream);
	const char *reason = "the server closed the connection";
	unsigned long error = ssl ? bufferevent_get_openssl_error(stream) : 0;
	int dns_error = bufferevent_socket_get_dns_error(stream);

	if (what & BEV_EVENT_CONNECTED) {
		link->heard_ms = clock_monotonic_ms();
		set_up(link);
		return;
	}
	if (dns_error)
		reason = evutil_gai_strerror(dns_error);
	else if (ssl && SSL_get_verify_result(ssl) != X509_V_OK)
		reason = X509_verify_cert_error_string(SSL_get_verify_result(ssl));
	else if (error)
		reason = ERR_reason_error_string(error) ? ERR_reason_error_string(error) :
							  "TLS failed";
	else if (what & BEV_EVENT_ERROR && errno)
		reason = strerror(errno);
	disconnect(store, reason);
}

static bool open_link(struct shared_store *store, struct connection_link *link)
{
	link->store = store;
	link->heard_ms = link->pinged_ms = clock_monotonic_ms();
	link->reader = shared_reader_new();
	link->stream = shared_address_stream(&store->address, store->base);
	if (!link->reader || !link->stream)
		return false;
	bufferevent_setcb(link->stream, on_input, NULL, on_link_event, link);
	bufferevent_setwatermark(link->stream, EV_READ, 0, SHARED_REPLY_BYTES_MAX);
	bufferevent_enable(link->stream, EV_READ | EV_WRITE);
	return !bufferevent_socket_connect_hostname(link->stream, store->dns, AF_UNSPEC,
						    store->address.host, store->address.port);
}

static void connect_store(struct shared_store *store)
{
	store->connecting_since_ms = clock_monotonic_ms();
	for (size_t i = 0; i < LINKS; i++) {
		bool ok = open_link(store, &store->link[i]);

		/* It may have failed at once, and disconnected. */
		if (!store->link[i].stream)
			return;
		if (!ok) {
			disconnect(store, "out of memory");
			return;
		}
	}
}

/* ---- time ---- */

static void fail_late(struct shared_store *store, uint64_t now_ms)
{
	struct command *command = TAILQ_FIRST(&store->sent);
	char message[SHARED_ADDRESS_BYTES_MAX + FAULT_BYTES_MAX + 128];

	if (command && now_ms >= command->deadline_ms)
		disconnect(store, "no answer in time");
	while ((command = TAILQ_FIRST(&store->waiting)) && now_ms >= command->deadline_ms) {
		TAILQ_REMOVE(&store->waiting, command, link);
		snprintf(message, sizeof(message),
			 "the shared store at %s is away: %s; nothing was changed",
			 store->address.text,
			 shared_store_fault(store) ? shared_store_fault(store) : "");
		answer(store, command, SHARED_FAILED, message);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct shared_store *store = arg;
	struct connection_link *messages = &store->link[MESSAGES];
	uint64_t now_ms = clock_monotonic_ms();
	struct command *command;
	struct used_name *used;

	fail_late(store, now_ms);
	if (store->is_connected) {
		if (now_ms >= store->time_asked_ms + SHARED_PING_MS &&
		    (command = new_command(COMMAND_TIME, 0))) {
			store->time_asked_ms = now_ms;
			send_command(store, command);
		}
		if (messages->pinged_ms > messages->heard_ms &&
		    now_ms >= messages->pinged_ms + SHARED_ANSWER_MS) {
			disconnect(store, "no answer in time");
		} else if (now_ms >= messages->heard_ms + SHARED_PING_MS &&
			   messages->pinged_ms <= messages->heard_ms) {
			messages->pinged_ms = now_ms;
			send_two(store, MESSAGES, "PING", (struct text){ NULL, 0 });
		}
		/* Finds changes that are not published: FLUSHALL, the end of a time to live. */
		if (store->is_connected && now_ms >= store->reread_at_ms) {
			store->reread_at_ms = now_ms + SHARED_REREAD_MS;
			TAILQ_FOREACH(used, &store->used, link) {
				if (used->is_subscribed)
					read_name(store, text_of(used->name));
			}
		}
	} else if (store->link[COMMANDS].stream) {
		if (now_ms >= store->connecting_since_ms + SHARED_ANSWER_MS)
			disconnect(store, "no answer in time");
	} else if (now_ms >= store->connect_at_ms) {
		connect_store(store);
	}
	if (!TAILQ_EMPTY(&store->sent) || !TAILQ_EMPTY(&store->waiting) ||
	    store->link[COMMANDS].stream)
		tick_in(store, store->is_connected && TAILQ_EMPTY(&store->sent) ?
				       SHARED_PING_MS / 2 :
				       SHARED_TICK_MS);
	else
		tick_in(store, store->connect_at_ms > now_ms ? store->connect_at_ms - now_ms : 0);
}

/* ---- called by the owner ---- */

bool shared_store_use(struct shared_store *store, struct text name)
{
	struct used_name *used = find_name(store, name);

	if (used) {
		used->used_ms = clock_monotonic_ms();
		TAILQ_REMOVE(&store->used, used, link);
		TAILQ_INSERT_TAIL(&store->used, used, link);
		return used->is_cached && store->is_connected;
	}
	used = store->names.count < SHARED_NAMES_MAX ? calloc(1, sizeof(*used) + name.len + 1) :
						       NULL;
	if (!used)
		return false;
	memcpy(used->name, name.ptr, name.len);
	used->used_ms = clock_monotonic_ms();
	index_add(&store->names, &used->by_name, index_text_key(name));
	TAILQ_INSERT_TAIL(&store->used, used, link);
	if (store->is_connected)
		subscribe(store, "SUBSCRIBE", name);
	return false;
}

void shared_store_sweep(struct shared_store *store, bool (*is_needed)(void *arg, struct text name))
{
	uint64_t now_ms = clock_monotonic_ms();
	struct used_name *used, *next;

	for (used = TAILQ_FIRST(&store->used); used; used = next) {
		next = TAILQ_NEXT(used, link);
		if (now_ms < used->used_ms + SHARED_UNUSED_MS)
			break;
		if (is_needed(store->owner.arg, text_of(used->name)))
			continue;
		if (store->is_connected)
			subscribe(store, "UNSUBSCRIBE", text_of(used->name));
		drop_name(store, used);
	}
}

int shared_store_ask(struct shared_store *store, const struct shared_change *change, void *request)
{
	struct command *command = make_request(change, request);

	if (!command)
		return -ENOMEM;
	shared_store_use(store, change->name);
	/* After a long outage requests do not wait for the connection again. */
	if (!store->is_connected && store->away_since_ms + SHARED_ANSWER_MS < command->deadline_ms)
		command->deadline_ms = store->away_since_ms + SHARED_ANSWER_MS;
	if (store->is_connected)
		send_command(store, command);
	else
		TAILQ_INSERT_TAIL(&store->waiting, command, link);
	tick_in(store, SHARED_TICK_MS);
	return 0;
}

void shared_store_cancel(struct shared_store *store, const void *request)
{
	struct command *command;

	TAILQ_FOREACH(command, &store->sent, link) {
		if (command->request == request)
			command->request = NULL;
	}
	TAILQ_FOREACH(command, &store->waiting, link) {
		if (command->request == request)
			command->request = NULL;
	}
}

int shared_store_open(const char *url, struct event_base *base, const struct shared_owner *owner,
		      struct shared_store **ret_store)
{
	struct shared_store *store = calloc(1, sizeof(*store));
	const char *fault;

	if (!store)
		return -ENOMEM;
	store->owner = *owner;
	store->base = base;
	store->away_since_ms = clock_monotonic_ms();
	TAILQ_INIT(&store->waiting);
	TAILQ_INIT(&store->sent);
	TAILQ_INIT(&store->used);
	fault = shared_address_parse(url, &store->address);
	if (fault) {
		notice_warning("invalid URL of a store: %s", fault);
		shared_store_close(store);
		return -EPROTONOSUPPORT;
	}
	/* Without a name server only addresses and /etc/hosts are resolved. */
	store->dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
						  EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!store->dns) {
		store->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		if (store->dns)
			evdns_base_load_hosts(store->dns, "/etc/hosts");
	}
	store->tick = evtimer_new(base, on_tick, store);
	if (!store->dns || !store->tick || index_init(&store->names)) {
		shared_store_close(store);
		return -ENOMEM;
	}
	shared_store_use(store, TEXT("default"));
	tick_in(store, 0);
	*ret_store = store;
	return 0;
}

void shared_store_close(struct shared_store *store)
{
	struct used_name *used;
	struct command *command;

	if (!store)
		return;
	close_link(&store->link[COMMANDS]);
	close_link(&store->link[MESSAGES]);
	while (store->names.bucket && (used = TAILQ_FIRST(&store->used)))
		drop_name(store, used);
	for (int i = 0; i < 2; i++) {
		struct command_list *list = i ? &store->sent : &store->waiting;

		while ((command = TAILQ_FIRST(list))) {
			TAILQ_REMOVE(list, command, link);
			free(command);
		}
	}
	index_release(&store->names);
	if (store->tick)
		event_free(store->tick);
	if (store->dns)
		evdns_base_free(store->dns, 0);
	shared_address_release(&store->address);
	free(store);
}
