/* SPDX-License-Identifier: MIT */
/* The debug lines of one request (TAGALONG_DEBUG). */
#pragma once

#include "core/request.h"

/* Writes a line for each step of the decision; NULL when nobody wants them. */
const struct tag_observer *debug_observer(void);
/* What was decided, and about which request: its address without what may be secret. */
void debug_verdict(const struct tag_request *request, const char *verdict);
