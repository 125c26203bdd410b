/* SPDX-License-Identifier: MIT */
/* The store for many machines: named scopes and the default one in Redis or Valkey. The names in
 * use here are subscribed to, so what anybody changes arrives by itself; nothing waits for the
 * network but a change, and that for SHARED_ANSWER_MS at the most. docs/internals.md has the
 * argument why no answered change is lost and no old value wins. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/context.h"

struct shared_store;

/* A scope as the store has it. Texts are borrowed. */
struct shared_row {
	struct text name;
	bool exists;
	uint64_t revision; /* grows with every change of the scope, by anybody */
	uint64_t ttl_ms; /* after which it ends; 0: never */
	struct text value[FIELD_COUNT];
};

enum shared_op {
	SHARED_GET,
	SHARED_SET, /* of a scope that is there */
	SHARED_PUT, /* the same, and opens it where it is not */
	SHARED_UNSET,
	SHARED_CLOSE
};

struct shared_change {
	enum shared_op op;
	struct text name;
	struct text value[FIELD_COUNT];
	bool unset[FIELD_COUNT];
	uint64_t ttl_ms; /* 0: as it is */
};

enum shared_result {
	SHARED_DONE,
	SHARED_ABSENT, /* there is no such scope */
	/* Refused, or the store is away: nothing was changed, unless the message says so. */
	SHARED_FAILED
};

struct shared_owner {
	/* How a scope in use is now. */
	void (*on_row)(void *arg, const struct shared_row *row);
	/* The store's copy of a scope in use cannot be read: the cached copy is outdated. */
	void (*on_stale)(void *arg, struct text name);
	/* A request of shared_ask has its answer; on_row came before. */
	void (*on_answer)(void *arg, void *request, enum shared_result result, const char *message);
	void *arg;
};

/* Whether it is the URL of such a store. */
bool shared_store_is_url(const char *url);
/* Parses the URL and begins to connect. A fault of it is reported on stderr, without
 * the URL. 0 or a negative errno. */
int shared_store_open(const char *url, struct event_base *base, const struct shared_owner *owner,
		      struct shared_store **ret_store);
void shared_store_close(struct shared_store *store);

/* "HOST:PORT/DB", for people. */
const char *shared_store_address(const struct shared_store *store);
/* Why the store is away, for people; NULL while it is not. */
const char *shared_store_fault(const struct shared_store *store);

/* Marks a scope as in use: it is subscribed to and read, and on_row is called now and whenever it
 * changes, until it was not used for a while and is not needed. Never waits. Whether the cached copy
 * is good: the scope was read, and the store is connected. */
bool shared_store_use(struct shared_store *store, struct text name);
/* Drops the names that were not used for SHARED_UNUSED_MS and that the owner does not need. */
void shared_store_sweep(struct shared_store *store, bool (*is_needed)(void *arg, struct text name));

/* Reads or changes a scope, and uses it. on_answer is called later, in any case but after
 * shared_store_cancel. 0 or -ENOMEM. */
int shared_store_ask(struct shared_store *store, const struct shared_change *change, void *request);
/* Nobody waits for the answer any more. */
void shared_store_cancel(struct shared_store *store, const void *request);
