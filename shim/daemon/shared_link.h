/* SPDX-License-Identifier: MIT */
/* One connection to the shared store's server: TCP or TLS by libevent, AUTH and SELECT, and replies
 * one at a time. It never waits, and never connects again by itself. */
#pragma once

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/shared_address.h"
#include "lib/text.h"

struct shared_link;

struct shared_link_owner {
	/* Connected: what is sent now comes after AUTH and SELECT. */
	void (*on_open)(void *arg, struct shared_link *link);
	void (*on_reply)(void *arg, struct shared_link *link, redisReply *reply);
	/* It cannot go on, and is to be closed. */
	void (*on_fault)(void *arg, const char *reason);
	void *arg;
};

struct shared_link {
	struct shared_link_owner owner;
	const struct shared_address *address;
	struct bufferevent *stream; /* NULL: closed */
	redisReader *reader;
	unsigned int set_up; /* replies to AUTH and SELECT that have not come yet */
	uint64_t heard_ms; /* when something arrived, or it was opened */
};

/* Begins to connect, the owner and the address being set. False when that failed at once; on_fault
 * may have been called then, and the link is closed or is to be closed. */
bool shared_link_open(struct shared_link *link, struct event_base *base, struct evdns_base *dns);
void shared_link_close(struct shared_link *link);
void shared_link_send(struct shared_link *link, size_t count, const char *words[],
		      const size_t bytes[]);
/* One word, and an argument unless that is empty. */
void shared_link_send_word(struct shared_link *link, const char *word, struct text argument);
