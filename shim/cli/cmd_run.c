// SPDX-License-Identifier: MIT
/* tagalong run: sets the environment and becomes the command. No process is left in between. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/launch.h"
#include "cli/run_scope.h"

static const struct command_option options[] = {
	LAUNCH_OPTIONS,
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct launch launch = { 0 };
	int option = OPTION_END, code = EXIT_OK;

	while (code == EXIT_OK && (option = next_option(command, argc, argv, &code)) > OPTION_DONE)
		code = launch_option(command, option, optarg, &launch);
	if (code != EXIT_OK || option == OPTION_DONE)
		return code;
	if (optind == argc)
		return usage_error(command, "no command to run");
	code = launch_hooks();
	if (code != EXIT_OK)
		return code;
	if (!launch.no_service)
		scope_open(launch.debug);
	execvp(argv[optind], argv + optind);
	code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	report_error("cannot run %s: %s", argv[optind], strerror(errno));
	return code;
}

const struct command command_run = {
	.name = "run",
	.operands = "[--] COMMAND [ARG...]",
	.summary = "Run COMMAND and tag the chat requests that it and its children send.",
	.options = options,
	.about = "The exit code is that of the command; 127 if it was not found, 126 if it could not be "
		 "run, 2 for a bad option, 3 if libtagalong.so was not found.",
	.examples = "tagalong run --task T-42 --relay https://relay.example.com -- nvim",
	.word = WORD_CALL,
	.run = run,
};
