// SPDX-License-Identifier: MIT
/* tagalong run: sets the environment and becomes the command. No process is left in between. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/run_scope.h"
#include "cli/launch.h"

static const struct command_option options[] = {
	LAUNCH_OPTIONS,
	{ 0 },
};

static int become(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	report_error("cannot run %s: %s", argv[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct launch launch = { 0 };
	int option = OPTION_END, code = EXIT_OK;

	while (code == EXIT_OK && (option = next_option(command, argc, argv, &code)) > OPTION_DONE)
		code = launch_option(command, option, optarg, &launch);
	if (code != EXIT_OK || option == OPTION_DONE)
		return code;
	if (optind == argc)
		return usage_error(command, "there is no command to run");
	code = launch_doors();
	if (code != EXIT_OK)
		return code;
	if (!launch.no_service)
		scope_open(launch.debug);
	return become(argv + optind);
}

const struct command command_run = {
	.name = "run",
	.operands = "[--] COMMAND [ARG...]",
	.summary = "Run a command; its chat requests, and its children's, are tagged.",
	.options = options,
	.about = "The exit code is the command's own; 127 when it is not found, 126 when it cannot be "
		 "run, 2 for a bad option, 3 when the shim cannot be loaded.",
	.examples = "tagalong run --task T-42 --relay https://relay.example.com -- nvim",
	.word = WORD_CALL,
	.run = run,
};
