// SPDX-License-Identifier: MIT
/* The two clocks. Both are read in the vDSO: no system call. */
#include "lib/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t id)
{
	struct timespec now = { 0 };

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_ms(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000000;
}

uint64_t clock_unix_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t clock_unix_ms(void)
{
	return clock_unix_ns() / 1000000;
}
