/* SPDX-License-Identifier: MIT */
/* Whether a program is tagged, and by which door; whether the installation is sound. */
#ifndef TAGALONG_CLI_DOCTOR_DOCTOR_H
#define TAGALONG_CLI_DOCTOR_DOCTOR_H

#include "cli/command.h"

extern const struct command command_doctor;

#endif
