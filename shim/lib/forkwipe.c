// SPDX-License-Identifier: MIT
/* Fork-safety without pthread_atfork: MADV_WIPEONFORK memory reads as zeros in the child, and a
 * zeroed lock is a free one. For that to be right, whatever such a lock guards has to be
 * consistent after each single store. All pages come from one mapping, made before a host can lock
 * itself into a sandbox that allows no madvise. */
#include "lib/forkwipe.h"
#include "lib/system.h"

#include <errno.h>

static char *all_pages;
static unsigned taken;

static char *map_all(void)
{
	const size_t bytes = FORKWIPE_USERS * FORKWIPE_BYTES;
	char *other = NULL, *pages;
	int saved = errno;

	pages = system_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (pages == MAP_FAILED) {
		errno = saved;
		return NULL;
	}
	if (system_madvise(pages, bytes, MADV_WIPEONFORK) < 0 ||
	    !__atomic_compare_exchange_n(&all_pages, &other, pages, 0, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		system_munmap(pages, bytes);
		pages = other; /* another thread's, or NULL */
	}
	errno = saved;
	return pages;
}

void *forkwipe_make(struct forkwipe *forkwipe)
{
	char *pages = __atomic_load_n(&all_pages, __ATOMIC_ACQUIRE);
	void *page, *other = NULL;
	unsigned index;

	if (!pages)
		pages = map_all();
	if (!pages)
		return NULL;
	index = __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
	if (index >= FORKWIPE_USERS)
		return __atomic_load_n(&forkwipe->page, __ATOMIC_ACQUIRE);
	page = pages + index * FORKWIPE_BYTES;
	/* A page is lost where two threads come at once: there are more than users. */
	if (!__atomic_compare_exchange_n(&forkwipe->page, &other, page, 0, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		page = other;
	return page;
}
