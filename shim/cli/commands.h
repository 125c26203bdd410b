/* SPDX-License-Identifier: MIT */
/* All subcommands: these, and those that are rooms of their own. */
#ifndef TAGALONG_CLI_COMMANDS_H
#define TAGALONG_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command command_run, command_context, command_serve, command_explain,
	command_headers, command_config, command_presets, command_log, command_version;

/* The one of that name, or NULL; and one after the other, NULL behind the last. */
const struct command *command_find(const char *name);
const struct command *command_at(size_t index);

#endif
