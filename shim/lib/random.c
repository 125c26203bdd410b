// SPDX-License-Identifier: MIT
/*
 * Random bytes from the kernel, several requests' worth at a time, because a system call costs as
 * much as the rest of a header. They wait in memory that a forked child finds empty, so no two
 * processes get the same; and a thread that finds another there asks the kernel itself: nothing is
 * ever waited for, whatever became of the other (interrupted by a signal handler, cancelled).
 */
#include "lib/random.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "lib/forkwipe.h"

struct store {
	bool busy; /* some thread is at it */
	size_t left; /* at the front of `bytes` */
	uint8_t bytes[RANDOM_BYTES_MAX];
};
static struct forkwipe store_page;
_Static_assert(sizeof(struct store) <= FORKWIPE_BYTES, "the store fits its page");

static int ask_kernel(uint8_t *ret_bytes, size_t count)
{
	ssize_t got;

	/* Up to 256 bytes are never interrupted once the pool is ready (getrandom(2)); before
	 * that, early at boot, waiting could delay the host: go without. */
	got = getrandom(ret_bytes, count, GRND_NONBLOCK);
	if (got < 0)
		return -errno;
	return (size_t)got == count ? 0 : -EIO;
}

static int take(struct store *store, uint8_t *ret_bytes, size_t count)
{
	int result;

	if (store->left < count) {
		store->left = 0;
		result = ask_kernel(store->bytes, sizeof(store->bytes));
		if (result)
			return result;
		store->left = sizeof(store->bytes);
	}
	store->left -= count;
	memcpy(ret_bytes, store->bytes + store->left, count);
	return 0;
}

int random_fill(uint8_t *ret_bytes, size_t count)
{
	struct store *store = forkwipe_get(&store_page);
	int result;

	if (!store || count > sizeof(store->bytes) ||
	    __atomic_exchange_n(&store->busy, true, __ATOMIC_ACQUIRE))
		return ask_kernel(ret_bytes, count);
	result = take(store, ret_bytes, count);
	__atomic_store_n(&store->busy, false, __ATOMIC_RELEASE);
	return result;
}
