/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Milliseconds since some fixed point; never steps back. For deadlines and ages. */
uint64_t clock_monotonic_ms(void);
/* Since 1970-01-01 UTC; nanoseconds for UUIDv7. */
uint64_t clock_unix_ns(void);
uint64_t clock_unix_ms(void);
