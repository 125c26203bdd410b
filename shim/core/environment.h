/* SPDX-License-Identifier: MIT */
/* Context from the environment: the fields' own variables, and those of other tools. */
#pragma once

#include "core/context.h"
#include "lib/buf.h"

/* Offers TAGALONG_<FIELD>, TRACEPARENT, TRACESTATE and BAGGAGE, and, as adopted, what other
 * tools export. The values are copied: another thread may change the environment at any time.
 * What finds no space in `copies` is no value. */
void environment_offer(struct context *context, struct buf *copies);

/* The copy of a value (may be NULL); empty where it finds no space. */
struct text environment_copy(struct buf *copies, const char *value);
