/* SPDX-License-Identifier: MIT */
/* Where scopes outlive the service: memory (nowhere) or a file. Changes of one turn of the loop are
 * one transaction; an answer leaves after it, so what was answered survives a kill -9. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/context.h"
#include "lib/buf.h"

struct store;

/* A scope as it is stored. Texts are borrowed. */
struct store_row {
	struct text name, parent; /* no parent: empty */
	uint64_t revision;
	uint64_t serial, start;
	uint64_t expires_ms; /* by the wall clock; 0: never */
	pid_t pid;
	struct text value[FIELD_COUNT], opened_with[FIELD_COUNT];
};

/* With a shared store, what stays on this machine has a file of its own. */
#define STORE_DATABASE "context.db"
#define STORE_LOCAL_DATABASE "processes.db"

struct store_owner {
	/* A row was read, in the order of serials. `same_boot`: processes may still live. */
	void (*on_row)(void *arg, const struct store_row *row, bool same_boot);
	/* The highest revision that was ever answered. */
	void (*on_revision)(void *arg, uint64_t revision);
	void *arg;
};

/* Opens and reads the store of `url`: "memory:", "file:" (`name` in $XDG_STATE_HOME/tagalong) or
 * "file:/PATH". Where a file cannot be used it warns, and nothing outlives the service.
 * 0, -EPROTONOSUPPORT for another URL (after a warning), or -ENOMEM. */
int store_open(const char *url, const char *name, const struct store_owner *owner,
	       struct store **ret_store);
/* NULL is none. */
void store_close(struct store *store);

/* At the end of a turn, before its changes are put: whether all scopes are to be put instead,
 * because the file has none of them yet or an earlier transaction failed. */
bool store_wants_all(struct store *store);
/* A scope that is new or has changed. */
void store_put(struct store *store, const struct store_row *row);
void store_remove(struct store *store, uint64_t serial);
/* Ends the turn's transaction. The first failure is a warning; later turns try again with all
 * scopes. */
void store_commit(struct store *store, uint64_t revision);
/* Whether a failed transaction is to be tried again after STORE_RETRY_MS. */
bool store_wants_retry(const struct store *store);

/* Rows as text, as the database holds them. */
void store_row_write(struct buf *buf, const struct store_row *row);
/* Overwrites the line, into which the texts then point. False when it is no row. */
bool store_row_read(char *line, size_t len, struct store_row *ret_row);
