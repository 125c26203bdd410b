/* SPDX-License-Identifier: MIT */
/*
 * Context that a caller gives for one question, because it knows better than the environment that
 * it and we were started in: an agent's plugin knows its session. It is put into our own environment,
 * the source that is nearest to a request, and taken back after the answer.
 */
#ifndef TAGALONG_CLI_OVERRIDES_H
#define TAGALONG_CLI_OVERRIDES_H

#include <stdbool.h>

#include "core/context.h"

/* Borrowed, NUL-terminated; NULL where nothing is given. */
struct given {
	const char *context[FIELD_COUNT]; /* wins over every other source */
	const char *fallback[FIELD_COUNT]; /* where no source but git sets the field */
};

/* What was there before; and which fields were put. */
struct given_saved {
	char *before[FIELD_COUNT];
	bool put[FIELD_COUNT];
};

/* The parent of a fallback task is meant for that task: it is not put without it. False when memory
 * ran out; given_restore is due in either case. */
bool given_put(const struct given *given, struct given_saved *ret_saved);
void given_restore(struct given_saved *saved);

#endif
