/* SPDX-License-Identifier: MIT */
/* Telling the context service what a process is working on. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/context.h"
#include "protocol/protocol_limits.h"

/* The scope that was opened for a process; empty before. */
struct publisher {
	char scope[WIRE_NAME_BYTES_MAX + 1];
};

/* Sets fields for the tree of process `pid`, in a scope of its own that is opened at the first call
 * and ends with the process. Values may be NULL; those that the protocol refuses are left out.
 * Waits SERVICE_TIMEOUT_MS a reply at the most. False, without a word, when there is no service. */
bool publish(struct publisher *publisher, pid_t pid, const char *const values[FIELD_COUNT]);

/* The same for the scope that this very process is in, but never for the default one, which is
 * everybody's. */
bool publish_own(const char *const values[FIELD_COUNT]);
