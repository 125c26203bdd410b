/* SPDX-License-Identifier: MIT */
/* Memory that a forked child finds zeroed. */
#ifndef TAGALONG_LIB_FORKWIPE_H
#define TAGALONG_LIB_FORKWIPE_H

#include <stddef.h>

/* One page for each user; static and zero-initialised. */
struct forkwipe {
	void *page;
};

#define FORKWIPE_BYTES 4096

/*
 * The page, mapped at the first call. All zero at first, and again in a child after fork: a
 * pthread_mutex_t in it is unlocked there, whoever held it in the parent, and what belongs to one
 * process is forgotten. No fork handler is registered. NULL when there is no memory or the kernel
 * has no MADV_WIPEONFORK (before Linux 4.14). Thread-safe.
 */
void *forkwipe_get(struct forkwipe *forkwipe);

#endif
