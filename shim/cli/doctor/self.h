/* SPDX-License-Identifier: MIT */
/* How Tagalong itself is doing here. */
#ifndef TAGALONG_CLI_DOCTOR_SELF_H
#define TAGALONG_CLI_DOCTOR_SELF_H

#include <cjson/cJSON.h>

/* An object with a "rows" list of {name, value, fault (may be missing), advice (the same), reachable
 * (of relays whose name was asked for)}; to be deleted. */
cJSON *doctor_self(void);

#endif
