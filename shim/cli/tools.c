// SPDX-License-Identifier: MIT
/* tagalong-tools: every command, with the libraries that they need. `tagalong` starts it for all
 * but its own commands, with its own path as the first argument. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static void print_overview(FILE *out)
{
	fputs("Add metadata headers (task, conversation, project, trace) to the LLM requests\n"
	      "of programs that cannot be changed.\n\nusage: tagalong COMMAND [ARG...]\n\n",
	      out);
	for (size_t i = 0; command_at(i); i++)
		fprintf(out, "  %-9s %s\n", command_at(i)->name, command_at(i)->summary);
	fputs("\nExample:\n"
	      "  tagalong run --task T-42 -- curl -d @chat.json localhost:8090/v1/messages\n\n"
	      "For the options of a command: tagalong COMMAND --help\n",
	      out);
}

int main(int argc, char **argv)
{
	const struct command *command;
	bool help;

	set_program_path(argc && argv[0][0] == '/' ? argv[0] : "");
	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help");
	if (help && argc == 2) {
		print_overview(stdout);
		return EXIT_OK;
	}
	/* For the shells' completions alone. */
	if (!strcmp(argv[1], "complete"))
		return complete(argc - 2, argv + 2);
	command = command_find(argv[help ? 2 : 1]);
	if (!command) {
		report_error("unknown command: %s (see tagalong --help)", argv[help ? 2 : 1]);
		return EXIT_USAGE;
	}
	return help ? print_help(command) : command->run(command, argc - 1, argv + 1);
}
