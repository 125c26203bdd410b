/* SPDX-License-Identifier: MIT */
/* What one process starts once and keeps: its trace. */
#ifndef TAGALONG_CORE_RAISED_H
#define TAGALONG_CORE_RAISED_H

#include <stdint.h>

/*
 * The trace-id (16 bytes) of traces that start here, random, the same for the process's life; a
 * forked child has its own. Never all zero. Thread-safe. 0 or a negative errno.
 */
int process_trace_id(uint8_t ret_trace_id[16]);

#endif
