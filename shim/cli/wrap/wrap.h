/* SPDX-License-Identifier: MIT */
/* Launchers: a script in the user's own folder that starts a program with the shim. */
#ifndef TAGALONG_CLI_WRAP_WRAP_H
#define TAGALONG_CLI_WRAP_WRAP_H

#include "cli/command.h"

extern const struct command command_wrap, command_unwrap;

#endif
