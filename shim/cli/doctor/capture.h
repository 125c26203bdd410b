/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_DOCTOR_CAPTURE_H
#define TAGALONG_CLI_DOCTOR_CAPTURE_H

#include <stddef.h>

/* Runs a program without LD_PRELOAD, with a variable (may be NULL) set to 1, and takes what it says
 * on stdout, cut to size - 1 bytes. Its exit code, or -1 when it cannot be run or was ended
 * by a signal. */
int capture(char *const argv[], const char *variable, char *ret_text, size_t size);

#endif
