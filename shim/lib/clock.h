/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Milliseconds since some fixed point; never steps back. For deadlines and ages. */
uint64_t clock_monotonic_ms(void);
/* Milliseconds since 1970-01-01 UTC, for UUIDv7. */
uint64_t clock_unix_ms(void);
