/* SPDX-License-Identifier: MIT */
/* The trace-id of this process, for requests that continue no other trace. */
#pragma once

#include <stdint.h>

/* The trace-id (16 bytes) of traces that start in this process: random, never all zero, the same
 * until the process ends; a forked child has its own. Thread-safe. 0 or a negative errno. */
int process_trace_id(uint8_t ret_trace_id[16]);
