// SPDX-License-Identifier: MIT
/* Options, as the commands' tables have them: the one place that asks getopt. */
#include "cli/command.h"

#include <getopt.h>
#include <string.h>

#include "cli/help.h"

/* More than any command has. */
#define OPTIONS_MAX 24

/* Beyond every value of a table. */
enum { OPTION_HELP = 0x4000 };

/* The tables in getopt's shape. */
static void fill(const struct command *command, struct option options[OPTIONS_MAX + 2],
		 char letters[OPTIONS_MAX * 2 + 4])
{
	const struct command_option *row = command->options;
	size_t count = 0;

	/* "+": a program's own options are not ours. */
	if (command->word == WORD_PROGRAM || command->word == WORD_CALL)
		*letters++ = '+';
	*letters++ = 'h';
	for (; row && row->name && count < OPTIONS_MAX; row++) {
		options[count++] = (struct option){
			row->name, row->argument ? required_argument : no_argument, NULL, row->value,
		};
		if (row->letter)
			*letters++ = row->letter;
		if (row->letter && row->argument)
			*letters++ = ':';
	}
	*letters = '\0';
	options[count++] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
	options[count] = (struct option){ NULL, 0, NULL, 0 };
}

static int by_letter(const struct command *command, int letter)
{
	for (const struct command_option *row = command->options; row && row->name; row++) {
		if (row->letter && row->letter == letter)
			return row->value;
	}
	return letter;
}

const struct command_option *option_of(const struct command *command, int value)
{
	const struct command_option *row = command->options;

	while (row && row->name && row->value != value)
		row++;
	return row && row->name ? row : NULL;
}

int next_option(const struct command *command, int argc, char **argv, int *ret_code)
{
	struct option options[OPTIONS_MAX + 2];
	char letters[OPTIONS_MAX * 2 + 4];
	int option;

	fill(command, options, letters);
	opterr = 0;
	option = getopt_long(argc, argv, letters, options, NULL);
	if (option == -1)
		return OPTION_END;
	if (option == 'h' || option == OPTION_HELP) {
		*ret_code = print_help(command);
		return OPTION_DONE;
	}
	if (option == '?') {
		*ret_code = usage_error(command, "\"%s\" is not understood, or wants a value",
					argv[optind - 1]);
		return OPTION_DONE;
	}
	return by_letter(command, option);
}
