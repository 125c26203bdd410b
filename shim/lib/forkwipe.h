/* SPDX-License-Identifier: MIT */
/* Memory that a forked child finds zeroed. */
#pragma once

#include <stddef.h>

/* One page for each user; static and zero-initialised. */
struct forkwipe {
	void *page;
};

#define FORKWIPE_BYTES 4096
#define FORKWIPE_USERS 16

/* The page. All of them are mapped at the first call. All zero at first, and again in a child
 * after fork: a struct lock in it is free there, whoever held it in the parent, and what belongs
 * to one process is forgotten. No fork handler is registered. NULL when there is no memory or the
 * kernel has no MADV_WIPEONFORK (before Linux 4.14). Thread-safe. */
void *forkwipe_get(struct forkwipe *forkwipe);
