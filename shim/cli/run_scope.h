/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* Opens a scope for this process, and so for the command that it becomes: with what the fields'
 * variables say, which then leave the environment, so that a later `context set` has effect; those
 * of the W3C trio stay for other tools. TAGALONG_SCOPE names the scope. Starts a service when there
 * is none and the run-time folder exists.
 *
 * `parent` names a scope that it will be in, opened where it is not there; NULL: the one that this
 * process is in.
 *
 * When that cannot be done everything is as it was, and false: the environment alone serves. `say`:
 * tells why, on stderr. */
bool scope_open(const char *parent, bool say);
