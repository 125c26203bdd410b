// SPDX-License-Identifier: MIT
/* A short spin, then naps on the lock's word: no call that a sandbox lacks in which a mutex
 * works. */
#include "lib/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FREE, TAKEN, GIVEN_UP };

#define SPINS 100
/* 50 us each: together a thousand times what any holder needs, and not yet felt by a person. */
#define NAPS 400

static uintptr_t self(void)
{
	return (uintptr_t)&errno; /* each thread has its own */
}

bool lock_try(struct lock *lock)
{
	uint32_t free = FREE;

	if (!__atomic_compare_exchange_n(&lock->state, &free, TAKEN, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&lock->owner, self(), __ATOMIC_RELAXED);
	return true;
}

static __attribute__((noinline)) bool wait_for(struct lock *lock)
{
	const struct {
		long sec, nsec;
	} nap = { 0, 50000 };
	uint32_t taken = TAKEN;
	int saved = errno;

	if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == self())
		return true;
	for (int i = 0; i < SPINS + NAPS; i++) {
		if (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) == GIVEN_UP)
			break;
		if (i >= SPINS)
			syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, TAKEN, &nap, NULL, 0);
		if (lock_try(lock)) {
			errno = saved;
			return true;
		}
	}
	__atomic_compare_exchange_n(&lock->state, &taken, GIVEN_UP, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	errno = saved;
	return false;
}

bool lock_take(struct lock *lock)
{
	return lock_try(lock) || wait_for(lock);
}

void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->state, FREE, __ATOMIC_RELEASE);
}
