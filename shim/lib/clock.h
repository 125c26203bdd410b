/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_LIB_CLOCK_H
#define TAGALONG_LIB_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed point; never steps back. For deadlines and ages. */
uint64_t clock_monotonic_ms(void);
/* Milliseconds since 1970-01-01 UTC, for UUIDv7. */
uint64_t clock_unix_ms(void);

#endif
