/* SPDX-License-Identifier: MIT */
/* What can be told of a program without starting it. */
#ifndef TAGALONG_CLI_DOCTOR_PROGRAM_H
#define TAGALONG_CLI_DOCTOR_PROGRAM_H

#include <cjson/cJSON.h>

/*
 * Looks at the program of this name and tells what is found, as an object to be deleted:
 *   path, scripts, binary, class, machine, linking, loader, libc, setuid, capabilities
 *   libcurl, plugins, bindings, missing, builtin: what is there
 *   verdict   "tagged", "children" (what it starts is), or "not"
 *   door      of "tagged": "linked", "plugin", "dl" or "node"
 *   reason, advice   for people; the latter may be missing
 * NULL when there is no such program.
 */
cJSON *doctor_program(const char *command);

#endif
