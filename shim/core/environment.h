/* SPDX-License-Identifier: MIT */
/* Context from the environment: the fields' own variables, and those of other tools. */
#ifndef TAGALONG_CORE_ENVIRONMENT_H
#define TAGALONG_CORE_ENVIRONMENT_H

#include "core/context.h"

/* Offers TAGALONG_<FIELD>, TRACEPARENT, TRACESTATE and BAGGAGE, and, as adopted, what other tools
 * export. The values stay the environment's (variable_get). */
void environment_offer(struct context *context);

#endif
