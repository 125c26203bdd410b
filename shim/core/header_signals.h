/* SPDX-License-Identifier: MIT */
/* What the client's headers say about its conversation and its session. */
#pragma once

#include <stdbool.h>

#include "core/context.h"
#include "core/header.h"

/* Iterates over the headers that the client sends: NULL asks for the first one. Returns the cursor
 * for the next call, or NULL at the end. A value may have blanks at its ends. Those whose
 * HEADER_START_BIT is not among `starts` may be left out. */
typedef const void *next_header(void *arg, const void *cursor, uint64_t starts,
				struct text *ret_name, struct text *ret_value);

/* Whether a client's value is fit for an id: 1 to SIGNAL_BYTES_MAX characters of visible ASCII. */
#define SIGNAL_BYTES_MAX 255
bool signal_is_fit(struct text value);

/* Offers what the client's headers say about the conversation and the session. */
void header_signals_offer(struct context *context, next_header *next, void *arg);

/* The headers that header_signals_offer looks at. */
struct header_filter header_signals_filter(void);
