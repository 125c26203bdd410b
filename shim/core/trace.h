/* SPDX-License-Identifier: MIT */
/* W3C Trace Context (https://www.w3.org/TR/trace-context-2/) and Baggage, to the letter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

#define TRACE_ID_BYTES 16
#define PARENT_ID_BYTES 8
#define TRACE_FLAG_SAMPLED 0x01
#define TRACE_FLAG_RANDOM 0x02

struct trace {
	uint8_t trace_id[TRACE_ID_BYTES];
	uint8_t parent_id[PARENT_ID_BYTES];
	uint8_t flags; /* only SAMPLED and RANDOM; all else is cleared (section 3.2.2.5) */
};

/* Reads a traceparent of version 00, or of a higher one by its first four fields (of its flags then
 * only SAMPLED: section 3.2.4 assumes nothing about the others).
 * 0, or -EINVAL: then the value is to be ignored as a whole and a new trace started. */
int trace_parse(struct text traceparent, struct trace *ret_trace);

/* Appends "00-<trace-id>-<parent-id>-<flags>". */
void trace_format(struct buf *buf, const struct trace *trace);

/* Appends a valid tracestate as it may be sent: empty list-members removed; when it exceeds
 * max_bytes, whole members are dropped, those over 128 characters first, then from the right
 * (section 3.3.1.5). 0, or -EINVAL for an ill-formed one (nothing is appended). */
int tracestate_add(struct buf *buf, struct text tracestate, size_t max_bytes);

/* The next well-formed member of a baggage text: its key, and what stands after "=", properties
 * included, as it is. Ill-formed members are passed over. False at the end. */
bool baggage_next(struct text *rest, struct text *ret_key, struct text *ret_value);

/* Appends the value of a member from baggage_next, without its optional blanks. */
void baggage_add_encoded(struct buf *buf, struct text value);

/* The trace-id of traces that start in this process: random, never all zero, the same until the
 * process ends; a forked child has its own. Thread-safe. 0 or a negative errno. */
int trace_id_of_process(uint8_t ret_trace_id[TRACE_ID_BYTES]);

/* Appends a plain text as a member's value: percent-encoded, "%" too. */
void baggage_add(struct buf *buf, struct text value);
