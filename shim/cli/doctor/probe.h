/* SPDX-License-Identifier: MIT */
/* Starting a program under the shim, with a small relay on loopback, and telling what arrived. */
#ifndef TAGALONG_CLI_DOCTOR_PROBE_H
#define TAGALONG_CLI_DOCTOR_PROBE_H

#include <cjson/cJSON.h>

/*
 * Runs the command, with {url} in its arguments replaced by a chat URL of the relay, and the variables
 * by which clients are told of one. Adds "probe" to the report: requests (on the wire, that a tag may
 * be added to), tagged, other (requests), headers (names, of the tagged ones), exit_code. Waits 20
 * seconds at the most, then ends the command and all that it started. An exit code.
 */
int doctor_probe(char **argv, cJSON *report);

#endif
