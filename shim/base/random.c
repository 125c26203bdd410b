// SPDX-License-Identifier: MIT
/* Random bytes, straight from the kernel: a generator of our own would have to be reseeded after
 * fork, and ids are asked for once a request. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

int random_fill(uint8_t *ret_bytes, size_t count)
{
	ssize_t got;

	/* Up to 256 bytes are never interrupted once the pool is ready (getrandom(2)); before
	 * that, early at boot, waiting could delay the host: go without. */
	got = getrandom(ret_bytes, count, GRND_NONBLOCK);
	if (got < 0)
		return -errno;
	return (size_t)got == count ? 0 : -EIO;
}
