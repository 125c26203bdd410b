// SPDX-License-Identifier: MIT
/* Looking commands up. */
#include <string.h>

#include "cli/command.h"

#define ROW(name) &command_##name,
static const struct command *const commands[] = { COMMANDS(ROW) };

const struct command *command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++) {
		if (!strcmp(command->name, name))
			return command;
	}
	return strcmp(name, "--version") ? NULL : &command_version;
}
