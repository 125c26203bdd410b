// SPDX-License-Identifier: MIT
/* Random bytes: SipHash of a counter, under a key that is made of the 16 bytes which the kernel
 * gives every program at its start (AT_RANDOM). No getrandom(2): a host that has locked itself
 * into a sandbox would be ended by it. The key waits in memory that a forked child finds empty,
 * and its number and the time go into it, so no two processes have the same. Nothing is ever
 * waited for: a thread that comes while another writes the key uses one of its own. */
#include "lib/random.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/forkwipe.h"
#include "lib/siphash.h"
#include "lib/system.h"

struct store {
	struct once key;
	uint64_t counter;
};
static struct forkwipe store_page;

static void hash_bytes(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t count,
		       uint8_t ret_digest[SIPHASH_BYTES])
{
	struct siphash hash;

	siphash_init(&hash, key);
	siphash_add(&hash, (struct text){ bytes, count });
	siphash_end(&hash, ret_digest);
}

static int make_key(uint8_t ret_key[SIPHASH_KEY_BYTES])
{
	const uint8_t *start = (const uint8_t *)getauxval(AT_RANDOM);
	uint64_t here[6] = { (uint64_t)system_getpid(), (uint64_t)(uintptr_t)&errno };
	struct timespec now = { 0 };

	if (!start) {
		/* Early at boot, waiting could delay the host: go without. */
		ssize_t got = syscall(SYS_getrandom, ret_key, SIPHASH_KEY_BYTES, GRND_NONBLOCK);

		return got == SIPHASH_KEY_BYTES ? 0 : got < 0 ? -errno : -EIO;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	here[2] = (uint64_t)now.tv_sec;
	here[3] = (uint64_t)now.tv_nsec;
	clock_gettime(CLOCK_MONOTONIC, &now);
	here[4] = (uint64_t)now.tv_sec;
	here[5] = (uint64_t)now.tv_nsec;
	hash_bytes(start, here, sizeof(here), ret_key);
	return 0;
}

int random_fill(uint8_t *ret_bytes, size_t count)
{
	static struct store without_page;
	struct store *store = forkwipe_get(&store_page);
	uint8_t key[SIPHASH_KEY_BYTES];
	int result;

	if (!store || !once_get(&store->key, key)) {
		result = make_key(key);
		if (result)
			return result;
		if (store)
			once_set(&store->key, key);
	}
	if (!store)
		store = &without_page; /* its counter alone is used, with a key for each call */
	siphash_expand(key, __atomic_add_fetch(&store->counter, 1, __ATOMIC_RELAXED), ret_bytes,
		       count);
	return 0;
}
