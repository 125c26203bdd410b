// SPDX-License-Identifier: MIT
/* The table of commands. */
#include <string.h>

#include "cli/command.h"

/* The one table of commands, in the order of help. */
static const struct command *const commands[] = {
	&command_run,	 &command_context, &command_serve, &command_explain, &command_headers,
	&command_config, &command_presets, &command_agents, &command_log,     &command_wrap,
	&command_unwrap, &command_doctor,  &command_version,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct command *command_at(size_t index)
{
	return index < COMMANDS ? commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	if (!strcmp(name, "--version"))
		return &command_version;
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}
