/* SPDX-License-Identifier: MIT */
/* Whether the relays' names are known here, asked all at once and for a limited time. */
#ifndef TAGALONG_CLI_DOCTOR_NAMES_H
#define TAGALONG_CLI_DOCTOR_NAMES_H

#include <cjson/cJSON.h>

#include "lib/text.h"

/* Asks for the host of a relay pattern, unless it is an address or means many hosts; `row` hears of
 * it. Returns at once. */
void names_ask(struct text pattern, cJSON *row);
/* Waits, two seconds at most, and gives each row "reachable", and where that is false "fault". */
void names_wait(void);

#endif
