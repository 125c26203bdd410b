/* SPDX-License-Identifier: MIT */
/*
 * Where scopes outlive the service. The interface is what any store can do: read rows at the start,
 * take changed rows, say when they are safe. This one is a file of JSON lines; the last row of a
 * name counts.
 */
#ifndef TAGALONG_DAEMON_STORE_H
#define TAGALONG_DAEMON_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/context.h"

struct store;

/* A scope as it is kept. Texts are borrowed. */
struct store_row {
	struct text name, parent; /* no parent: empty */
	uint64_t revision;
	bool gone; /* it ended: of the rest only the revision counts */
	uint64_t serial, start;
	pid_t pid;
	struct text value[FIELD_COUNT], opened_with[FIELD_COUNT];
};

#define STORE_ALL_PUT UINT64_MAX

struct store_owner {
	/* A row was read, in the order of writing. `same_boot`: processes may still live. */
	void (*on_row)(void *arg, const struct store_row *row, bool same_boot);
	/*
	 * Puts (store_put_again) rows that are alive, in the order of their serials, from the first
	 * on after `again`, until that says it is enough. Gives the serial up to which all were
	 * put, or STORE_ALL_PUT.
	 */
	uint64_t (*put_some)(void *arg, struct store *store, bool again);
	void *arg;
};

/*
 * Opens the store in $XDG_STATE_HOME/tagalong, else ~/.local/state/tagalong, and reads it. Where
 * that is not possible, or not writable, or in use by another service, it says so and keeps
 * nothing. 0 or -ENOMEM.
 */
int store_open(const struct store_owner *owner, struct store **ret_store);
/* As store_sync, and frees it. NULL is none. */
void store_close(struct store *store);

/* A row that is new or has changed. One that is gone needs its serial as well. */
void store_put(struct store *store, const struct store_row *row);
/* A row as it was put before: only within put_some. False when that is enough for this turn. */
bool store_put_again(struct store *store, const struct store_row *row);
/* Whether what was put is still on its way. Rows that change meanwhile had better wait: then one
 * that changes again is put once, and a slow disk costs no memory. */
bool store_is_busy(const struct store *store);
/* Starts to make safe what was put, unless that is under way. To be called at the end of a turn.
 * Whether another turn is wanted at once: work that is done bit by bit, so that nobody waits. */
bool store_commit(struct store *store);
/* The same, and waits until all that was put is safe, as far as that is possible now. */
void store_sync(struct store *store);
/* The ticket of what is put now; it is safe (or given up, with a warning) once store_done has
 * reached it. */
uint64_t store_ticket(const struct store *store);
uint64_t store_done(const struct store *store);

/* Readable when store_collect has something to do; -1: never. */
int store_event_fd(const struct store *store);
void store_collect(struct store *store);
/* Whether writing failed and store_commit should be called again after STORE_RETRY_MS. */
bool store_wants_retry(const struct store *store);

#endif
