/* SPDX-License-Identifier: MIT */
/* The configuration that is in force, read again when its file changes. */
#ifndef TAGALONG_CORE_CONFIG_CURRENT_H
#define TAGALONG_CORE_CONFIG_CURRENT_H

#include "core/config.h"
#include "core/config_path.h"

enum config_standing {
	CONFIG_NONE, /* there is no file: the environment alone */
	CONFIG_GOOD,
	CONFIG_BAD, /* it has faults, or cannot be read: nothing is tagged */
};

/* One reading of the file, shared by all who look at it. */
struct config_snapshot {
	enum config_standing standing;
	const struct config *config; /* of a good one; else NULL */
	const char *path; /* "" when there is none */
	/* Of a bad one: its first fault, for a debug line. */
	const char *reason;
	size_t line; /* 0: not a matter of its text */
};

/*
 * What is in force now, to be given back with config_drop. `exact` asks the file system, with one
 * stat(2) where there is a file; without it an answer of the last second will do, and that costs a
 * look at the clock. A file that was not there is looked for once a second at the most. Never NULL.
 * Thread-safe and fork-safe; no lock is held on return. Keeps errno.
 */
const struct config_snapshot *config_take(bool exact);
void config_drop(const struct config_snapshot *snapshot);

#endif
