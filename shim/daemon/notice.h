/* SPDX-License-Identifier: MIT */
/* Log lines: warnings always, events with --verbose; as text, or as JSON. */
#pragma once

#include <stdbool.h>

#include "lib/text.h"

/* Before the first line. */
void notice_init(bool verbose, bool json);

/* Whether events are logged at all: check before building their parts. */
bool notice_wanted(void);

struct notice_part {
	const char *key;
	struct text text;
};

/* One line on stdout, when verbose: the event, then key=value. Values of fields are never among
 * them. Parts with an empty text are left out. */
void notice_event_parts(const char *event, const struct notice_part *parts, size_t count);
#define notice_event(event, ...) \
	notice_event_parts(event, (const struct notice_part[]){ __VA_ARGS__ }, \
			   sizeof((const struct notice_part[]){ __VA_ARGS__ }) / \
				   sizeof(struct notice_part))

/* One line on stderr. */
__attribute__((format(printf, 1, 2))) void notice_warning(const char *format, ...);
