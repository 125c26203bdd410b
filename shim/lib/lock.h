/* SPDX-License-Identifier: MIT */
/* A lock that nobody waits for in vain: its owner may have been cancelled, killed, stopped in
 * foreign code, or have left by longjmp out of a signal handler. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zero: free. What it guards has to be consistent after each single store. */
struct lock {
	uint32_t state;
	uintptr_t owner; /* a thread */
};

/* False when the lock is held for longer than any holder of ours needs: then do without what it
 * guards. That is waited for once; until the owner releases the lock after all, later calls fail
 * at once. A thread that finds itself the owner has lost its way out, and takes the lock over. */
bool lock_take(struct lock *lock);
/* Does not wait, and takes nothing over. */
bool lock_try(struct lock *lock);
void lock_release(struct lock *lock);
