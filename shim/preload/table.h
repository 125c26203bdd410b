/* SPDX-License-Identifier: MIT */
/*
 * A map from an address to a record. Looking up takes no lock and no atomic read-modify-write,
 * because it stands in every curl_easy_setopt.
 *
 * Rules: records belong to the caller. Putting, getting and taking one key is done by one thread
 * at a time (libcurl's own rule for a handle); different keys may be used at the same time by any
 * threads, and after fork in the child whatever other threads did in the parent.
 */
#ifndef TAGALONG_PRELOAD_TABLE_H
#define TAGALONG_PRELOAD_TABLE_H

#include <stdbool.h>

#include "base/forkwipe.h"

struct slots;

/* Static and zero-initialised. */
struct table {
	struct slots *slots;
	struct forkwipe lock;
};

/* NULL when there is none. */
void *table_get(const struct table *table, const void *key);
/* Puts a record, in place of *ret_old if there was one (else NULL). False without memory. */
bool table_put(struct table *table, const void *key, void *record, void **ret_old);
/* Takes the record out; NULL when there is none. */
void *table_take(struct table *table, const void *key);

#endif
