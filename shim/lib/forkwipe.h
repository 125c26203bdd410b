/* SPDX-License-Identifier: MIT */
/* Memory that a forked child finds zeroed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One page for each user; static and zero-initialised. */
struct forkwipe {
	void *page;
};

#define FORKWIPE_BYTES 4096
#define FORKWIPE_USERS 16

/* For forkwipe_get. */
void *forkwipe_make(struct forkwipe *forkwipe);

/* The page. All of them are mapped at the first call. All zero at first, and again in a child
 * after fork: a struct lock in it is free there, whoever held it in the parent, and what belongs
 * to one process is gone. No fork handler is registered. NULL when there is no memory or the
 * kernel has no MADV_WIPEONFORK (before Linux 4.14). Thread-safe. */
static inline void *forkwipe_get(struct forkwipe *forkwipe)
{
	void *page = __atomic_load_n(&forkwipe->page, __ATOMIC_ACQUIRE);

	return page ? page : forkwipe_make(forkwipe);
}

/* Sixteen bytes that are made once, in such memory. Nobody waits: who comes while another thread
 * writes them finds none. */
struct once {
	bool writing, ready;
	uint8_t bytes[16];
};

static inline bool once_get(const struct once *once, uint8_t ret_bytes[16])
{
	if (!__atomic_load_n(&once->ready, __ATOMIC_ACQUIRE))
		return false;
	memcpy(ret_bytes, once->bytes, sizeof(once->bytes));
	return true;
}

/* The first call counts. */
static inline void once_set(struct once *once, const uint8_t bytes[16])
{
	if (__atomic_exchange_n(&once->writing, true, __ATOMIC_ACQUIRE))
		return;
	memcpy(once->bytes, bytes, sizeof(once->bytes));
	__atomic_store_n(&once->ready, true, __ATOMIC_RELEASE);
}
