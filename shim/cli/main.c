// SPDX-License-Identifier: MIT
/* The tagalong command: one table of subcommands. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "cli/complete.h"
#include "cli/help.h"

static const struct command *const commands[] = {
	&command_run,
	&command_context,
	&command_serve,
	&command_explain,
	&command_headers,
	&command_config,
	&command_presets,
	&command_agents,
	&command_log,
	&command_wrap,
	&command_unwrap,
	&command_doctor,
	&command_version,
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

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		if (argc > 2 && !strcmp(argv[2], "--markdown")) {
			print_manual();
			return EXIT_OK;
		}
		command = argc > 2 ? command_find(argv[2]) : NULL;
		if (command)
			return print_help(command);
		print_overview(stdout);
		return EXIT_OK;
	}
	/* Not in the table: it is for the completions alone. */
	if (!strcmp(argv[1], "complete"))
		return complete(argc - 2, argv + 2);
	command = command_find(argv[1]);
	if (!command) {
		complain("there is no command \"%s\"; try: tagalong --help", argv[1]);
		return EXIT_USAGE;
	}
	return command->run(command, argc - 1, argv + 1);
}
