// SPDX-License-Identifier: MIT
/* The tagalong command: which subcommand is meant. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/cmd_complete.h"
#include "cli/cmd_manual.h"
#include "cli/help.h"

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
		report_error("there is no command \"%s\"; try: tagalong --help", argv[1]);
		return EXIT_USAGE;
	}
	return command->run(command, argc - 1, argv + 1);
}
