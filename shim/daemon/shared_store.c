// SPDX-License-Identifier: MIT
/* The shared store in Redis or Valkey. Two connections: one for commands, one that is subscribed
 * to a channel for each name in use, because in RESP2 a subscribed connection takes no other
 * command. Both live and end together. A name is read once its subscription is confirmed, so no
 * change falls between. */
#include "daemon/shared_store.h"

#include <errno.h>
#include <event2/dns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "daemon/shared_link.h"
#include "daemon/shared_script.h"
#include "lib/clock.h"
#include "lib/hash_index.h"
#include "lib/random.h"

#define FAULT_BYTES_MAX 256
#define MESSAGE_BYTES_MAX (SHARED_ADDRESS_BYTES_MAX + FAULT_BYTES_MAX + 128)

enum link_kind { COMMANDS, MESSAGES, LINKS };

/* A command for the server: TIME, or a call of the script. Replies come in the order of sending. */
struct command {
	TAILQ_ENTRY(command) link;
	struct script_call *call; /* NULL: TIME */
	void *request; /* of shared_store_ask; NULL: nobody waits for the answer */
	uint64_t deadline_ms; /* of the answer */
	uint64_t sent_revision; /* the scope's newest revision when it was sent */
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

struct shared_store {
	struct shared_owner owner;
	struct event_base *base;
	struct evdns_base *dns;
	struct event *tick;
	struct shared_link link[LINKS];
	bool is_up[LINKS]; /* it has answered */
	struct shared_address address;
	char fault[FAULT_BYTES_MAX]; /* why there is no connection; empty: there is one */
	bool was_reported;
	bool is_connected; /* both connections have answered */
	uint64_t connect_at_ms, connecting_since_ms, backoff_ms, away_since_ms;
	uint64_t reread_at_ms, time_asked_ms, pinged_ms;
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

/* ---- sending ---- */

static const struct text no_argument = { NULL, 0 };

static void subscribe(struct shared_store *store, const char *word, struct text name)
{
	char memory[SHARED_KEY_BYTES_MAX];

	shared_link_send_word(&store->link[MESSAGES], word,
			      script_channel(&store->address, name, memory));
}

static void tick_in(struct shared_store *store, uint64_t ms)
{
	const struct timeval interval = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	event_add(store->tick, &interval);
}

/* Without a change: TIME. NULL without memory. */
static struct command *new_command(const struct shared_store *store,
				   const struct shared_change *change)
{
	struct command *command = calloc(1, sizeof(*command));

	if (command && change)
		command->call = script_call_new(&store->address, change);
	if (command && change && !command->call) {
		free(command);
		return NULL;
	}
	if (command)
		command->deadline_ms = clock_monotonic_ms() + SHARED_ANSWER_MS;
	return command;
}

static void free_command(struct command *command)
{
	free(command->call);
	free(command);
}

/* The script gets the deadline in the server's time, a little earlier than ours: so a change
 * that it makes is answered before our deadline, unless the connection breaks. */
static void send_command(struct shared_store *store, struct command *command)
{
	struct shared_link *link = &store->link[COMMANDS];
	struct script_call *call = command->call;
	struct used_name *used;

	TAILQ_INSERT_TAIL(&store->sent, command, link);
	if (!call) {
		shared_link_send_word(link, "TIME", no_argument);
		return;
	}
	used = find_name(store, call->name);
	command->sent_revision = used ? used->revision : 0;
	if (call->op != SHARED_GET)
		script_call_set_deadline(call, (uint64_t)((int64_t)command->deadline_ms +
							  store->clock_offset_ms) -
						       SHARED_MARGIN_MS);
	shared_link_send(link, call->count, call->word, call->bytes);
	tick_in(store, SHARED_TICK_MS);
}

static void ask_time(struct shared_store *store)
{
	struct command *command = new_command(store, NULL);

	store->time_asked_ms = clock_monotonic_ms();
	if (command)
		send_command(store, command);
}

static void read_name(struct shared_store *store, struct text name)
{
	const struct shared_change get = { .op = SHARED_GET, .name = name };
	struct command *command = new_command(store, &get);

	if (command)
		send_command(store, command);
}

static void answer(struct shared_store *store, struct command *command, enum shared_result result,
		   const char *message)
{
	if (command->request)
		store->owner.on_answer(store->owner.arg, command->request, result, message);
	free_command(command);
}

static void fail(struct shared_store *store, struct command *command, const char *consequence)
{
	char message[MESSAGE_BYTES_MAX];

	snprintf(message, sizeof(message), "the shared store at %s is away: %s%s",
		 store->address.text, store->fault[0] ? store->fault : "not connected yet",
		 consequence);
	answer(store, command, SHARED_FAILED, message);
}

/* ---- receiving ---- */

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

static void take_row(struct shared_store *store, struct used_name *used, struct shared_row *row)
{
	row->name = text_of(used->name);
	used->revision = row->revision;
	used->is_cached = true;
	used->is_foreign = false;
	store->owner.on_row(store->owner.arg, row);
}

/* What a look or a change came to. A row counts when it is newer than what was seen, or nothing
 * newer came since it was asked for. */
static enum shared_result on_answer(struct shared_store *store, const struct command *command,
				    struct used_name *used, const redisReply *reply,
				    const char **ret_message)
{
	struct shared_row row;

	switch (script_read_reply(reply, &row)) {
	case SCRIPT_ROW:
		if (row.revision > used->revision || used->revision == command->sent_revision)
			take_row(store, used, &row);
		return SHARED_DONE;
	case SCRIPT_ABSENT:
		return SHARED_ABSENT;
	case SCRIPT_LATE:
		*ret_message = "the store was too slow; nothing was changed";
		return SHARED_FAILED;
	case SCRIPT_FOREIGN:
		break;
	}
	*ret_message = "the store has a value there that is not a scope's";
	on_foreign(store, used);
	return SHARED_FAILED;
}

static void on_called(struct shared_store *store, struct command *command, const redisReply *reply)
{
	struct used_name *used = find_name(store, command->call->name);
	const char *message = "too many scopes of the shared store are in use here";
	enum shared_result result = SHARED_FAILED;
	char refusal[FAULT_BYTES_MAX];
	bool is_replica = false;

	if (reply->type == REDIS_REPLY_ERROR) {
		snprintf(refusal, sizeof(refusal), "the store refuses: %s", reply->str);
		message = refusal;
		if (used && !command->request)
			store->owner.on_stale(store->owner.arg, text_of(used->name));
		/* Before Redis 7 these words come after the place in the script. */
		is_replica = command->call->op != SHARED_GET &&
			     (strstr(reply->str, "READONLY") || strstr(reply->str, "MASTERDOWN"));
	} else if (used) {
		result = on_answer(store, command, used, reply, &message);
	}
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
	store->is_up[COMMANDS] = true;
}

static void on_connected(struct shared_store *store)
{
	struct used_name *used;
	struct command *command;

	if (store->is_connected || !store->is_up[COMMANDS] || !store->is_up[MESSAGES])
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

static void on_command_reply(struct shared_store *store, const redisReply *reply)
{
	struct command *command = TAILQ_FIRST(&store->sent);

	if (!command) {
		disconnect(store, "unexpected reply from the server");
		return;
	}
	TAILQ_REMOVE(&store->sent, command, link);
	if (command->call) {
		on_called(store, command, reply);
		return;
	}
	free_command(command);
	on_time(store, reply);
	on_connected(store);
}

/* What is published by anything else than the script is no reason to believe it: then the store is
 * asked. */
static void on_change(struct shared_store *store, struct used_name *used, redisReply *reply)
{
	struct shared_row row;

	if (script_read_message(reply->str, (size_t)reply->len, &row) != SCRIPT_ROW)
		read_name(store, text_of(used->name));
	else if (row.revision > used->revision)
		take_row(store, used, &row);
}

/* RESP2: ["subscribe", channel, number], ["message", channel, text], ["pong", ""] ... */
static void on_message(struct shared_store *store, redisReply *reply)
{
	struct text kind, channel, prefix;
	char memory[SHARED_KEY_BYTES_MAX];
	struct used_name *used;

	if (reply->type == REDIS_REPLY_ERROR) {
		disconnect(store, reply->str);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2) {
		disconnect(store, "invalid message from the server");
		return;
	}
	kind = reply_text(reply->element[0]);
	channel = reply_text(reply->element[1]);
	prefix = script_channel(&store->address, no_argument, memory);
	if (!text_starts_with(channel, prefix))
		return;
	if (text_eq(kind, TEXT("subscribe")) && !store->is_up[MESSAGES]) {
		store->is_up[MESSAGES] = true;
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

static void on_reply(void *arg, struct shared_link *link, redisReply *reply)
{
	struct shared_store *store = arg;

	if (link == &store->link[COMMANDS])
		on_command_reply(store, reply);
	else
		on_message(store, reply);
}

/* ---- connecting ---- */

static void close_links(struct shared_store *store)
{
	for (size_t i = 0; i < LINKS; i++) {
		shared_link_close(&store->link[i]);
		store->is_up[i] = false;
	}
	store->is_connected = false;
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
	close_links(store);
	random_fill(&jitter, sizeof(jitter)); /* so that not all machines come back at once */
	store->backoff_ms = store->backoff_ms ? store->backoff_ms * 2 : SHARED_BACKOFF_MS_MIN;
	if (store->backoff_ms > SHARED_BACKOFF_MS_MAX)
		store->backoff_ms = SHARED_BACKOFF_MS_MAX;
	store->connect_at_ms = now_ms + store->backoff_ms * (256 + jitter) / 512;
	TAILQ_INIT(&sent);
	TAILQ_CONCAT(&sent, &store->sent, link);
	while ((command = TAILQ_FIRST(&sent))) {
		TAILQ_REMOVE(&sent, command, link);
		fail(store, command,
		     !command->call || command->call->op == SHARED_GET ?
			     "" :
			     "; the change may have been made");
	}
	TAILQ_FOREACH(used, &store->used, link) {
		used->is_subscribed = false;
		if (was_connected)
			store->owner.on_stale(store->owner.arg, text_of(used->name));
	}
	tick_in(store, SHARED_TICK_MS);
}

static void on_fault(void *arg, const char *reason)
{
	disconnect(arg, reason);
}

/* The first reply on each connection shows that all went well so far. */
static void on_open(void *arg, struct shared_link *link)
{
	struct shared_store *store = arg;

	if (link == &store->link[COMMANDS])
		ask_time(store);
	else
		subscribe(store, "SUBSCRIBE", TEXT("default"));
}

/* Its own for each attempt: the name servers and /etc/hosts may be others than before. Without a name
 * server only addresses and /etc/hosts are resolved. */
static struct evdns_base *new_dns(struct event_base *base)
{
	struct evdns_base *dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
							      EVDNS_BASE_DISABLE_WHEN_INACTIVE);

	if (dns)
		return dns;
	dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (dns)
		evdns_base_load_hosts(dns, "/etc/hosts");
	return dns;
}

static void connect_store(struct shared_store *store)
{
	store->connecting_since_ms = clock_monotonic_ms();
	/* Not when the connection was closed: what was cancelled then has to end before it. */
	if (store->dns)
		evdns_base_free(store->dns, 0);
	store->dns = new_dns(store->base);
	for (size_t i = 0; store->dns && i < LINKS; i++) {
		bool ok = shared_link_open(&store->link[i], store->base, store->dns);

		if (!store->link[i].stream)
			return; /* disconnected already, or tried again at the next tick */
		if (!ok) {
			disconnect(store, "cannot connect");
			return;
		}
	}
}

/* ---- time ---- */

static void fail_late(struct shared_store *store, uint64_t now_ms)
{
	struct command *command = TAILQ_FIRST(&store->sent);

	if (command && now_ms >= command->deadline_ms)
		disconnect(store, "no answer in time");
	while ((command = TAILQ_FIRST(&store->waiting)) && now_ms >= command->deadline_ms) {
		TAILQ_REMOVE(&store->waiting, command, link);
		fail(store, command, "; nothing was changed");
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct shared_store *store = arg;
	const struct shared_link *messages = &store->link[MESSAGES];
	uint64_t now_ms = clock_monotonic_ms();
	struct used_name *used;

	fail_late(store, now_ms);
	if (store->is_connected) {
		if (now_ms >= store->time_asked_ms + SHARED_PING_MS)
			ask_time(store);
		/* Nothing was heard since the last PING; else PING after a second of silence. */
		if (store->pinged_ms > messages->heard_ms &&
		    now_ms >= store->pinged_ms + SHARED_ANSWER_MS) {
			disconnect(store, "no answer in time");
		} else if (now_ms >= messages->heard_ms + SHARED_PING_MS &&
			   store->pinged_ms <= messages->heard_ms) {
			store->pinged_ms = now_ms;
			shared_link_send_word(&store->link[MESSAGES], "PING", no_argument);
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
	struct command *command = new_command(store, change);

	if (!command)
		return -ENOMEM;
	command->request = request;
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
	for (size_t i = 0; i < LINKS; i++) {
		store->link[i].owner = (struct shared_link_owner){ on_open, on_reply, on_fault,
								   store };
		store->link[i].address = &store->address;
	}
	store->tick = evtimer_new(base, on_tick, store);
	if (!store->tick || index_init(&store->names)) {
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
	close_links(store);
	while (store->names.bucket && (used = TAILQ_FIRST(&store->used)))
		drop_name(store, used);
	for (int i = 0; i < 2; i++) {
		struct command_list *list = i ? &store->sent : &store->waiting;

		while ((command = TAILQ_FIRST(list))) {
			TAILQ_REMOVE(list, command, link);
			free_command(command);
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
