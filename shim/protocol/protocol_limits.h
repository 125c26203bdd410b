/* SPDX-License-Identifier: MIT */
/* Every bound of the protocol, each with the reason for its size. They hold for both ends. */
#pragma once

#include "lib/limits.h"

/* One line without its LF: what Linux buffers of a socket by default takes three of, and more than
 * the largest reply (asserted in reply.c). */
#define WIRE_LINE_BYTES_MAX 65536
/* Memory that holds the longest line and its LF, or the byte in its place by which a longer line
 * shows. */
#define FRAME_BYTES (WIRE_LINE_BYTES_MAX + 1)
/* An id: what the shim can send in one header. */
#define WIRE_ID_BYTES_MAX VALUE_BYTES_MAX
/* tags, tracestate, baggage: what the shim reads of them. */
#define WIRE_LIST_BYTES_MAX LIST_BYTES_MAX
/* The name of a scope: space for a CI job's URL-like name, and short in an environment. */
#define WIRE_NAME_BYTES_MAX 128
/* The text of an error: one that lists all field names, and a cut piece of what was sent. */
#define WIRE_MESSAGE_BYTES_MAX 512
/* How much of somebody's bytes an error repeats. */
#define WIRE_QUOTED_BYTES_MAX 64
/* sun_path with its NUL (unix(7)). */
#define WIRE_PATH_BYTES_MAX 108
