/* SPDX-License-Identifier: MIT */
/* Which URL paths are chat requests: matched on the end of the path, because relays mount the same
 * interfaces under prefixes of their own. */
#pragma once

#include <stdbool.h>

#include "lib/text.h"

enum endpoint_class {
	ENDPOINT_CHAT = 1 << 0,
	ENDPOINT_EMBEDDING = 1 << 1,
	ENDPOINT_RERANK = 1 << 2,
	ENDPOINT_COUNT = 1 << 3,
	ENDPOINT_IMAGE = 1 << 4,
	ENDPOINT_AUDIO = 1 << 5,
	ENDPOINT_ALL = 1 << 6, /* every path */
};

/* What a rule wants: classes, and own path suffixes. */
struct endpoint_set {
	unsigned classes; /* of enum endpoint_class */
	/* Comma list; the parts that start with "/" or ":" count, with at most one "*" for one
	 * whole segment. */
	struct text suffixes;
};

#define ENDPOINT_FAULT "neither an endpoint class nor a path suffix, which starts with / or a colon"

/* Reads "chat,embedding,/my/suffix". An unknown word is left out and *ret_bad set to it, for the
 * caller to report; else *ret_bad is empty. An empty list is class chat. */
void endpoint_parse(struct text list, struct endpoint_set *ret_set, struct text *ret_bad);

/* "chat", or NULL for a path that is no endpoint of any class. */
const char *endpoint_class_of(struct text path);

/* Whether a request to this path (before "?") is wanted. */
bool endpoint_wanted(const struct endpoint_set *set, struct text path);
