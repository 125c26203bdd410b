// SPDX-License-Identifier: MIT
/*
 * Fork-safety without pthread_atfork: MADV_WIPEONFORK memory reads as zeros in the child, and a
 * zeroed mutex is an unlocked one on Linux (PTHREAD_MUTEX_INITIALIZER). For that to be right,
 * whatever such a mutex guards has to be consistent after each single store (pitfall 32).
 */
#include "lib/forkwipe.h"

#include <errno.h>
#include <sys/mman.h>

void *forkwipe_get(struct forkwipe *forkwipe)
{
	void *page = __atomic_load_n(&forkwipe->page, __ATOMIC_ACQUIRE);
	void *other = NULL;
	int saved = errno;

	if (page)
		return page;
	page = mmap(NULL, FORKWIPE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		errno = saved;
		return NULL;
	}
	if (madvise(page, FORKWIPE_BYTES, MADV_WIPEONFORK) < 0 ||
	    !__atomic_compare_exchange_n(&forkwipe->page, &other, page, 0, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		munmap(page, FORKWIPE_BYTES);
		page = other; /* another thread's, or NULL */
	}
	errno = saved;
	return page;
}
