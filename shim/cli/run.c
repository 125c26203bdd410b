// SPDX-License-Identifier: MIT
/* tagalong run: sets the environment and becomes the command. No process is left in between. */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/launch.h"
#include "cli/scope.h"

static const struct option options[] = {
	LAUNCH_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int become(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	complain("cannot run %s: %s", argv[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct launch launch = { 0 };
	int option, code = EXIT_OK;

	opterr = 0;
	/* "+": the command's own options are not ours. */
	while (code == EXIT_OK && (option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'h')
			return print_help(command);
		if (option == '?')
			return usage_error(command, "\"%s\" is not understood, or wants a value",
					   argv[optind - 1]);
		code = launch_option(command, option, optarg, &launch);
	}
	if (code != EXIT_OK)
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
	.arguments = "[OPTION...] [--] COMMAND [ARG...]",
	.summary = "Run a command; its chat requests, and its children's, are tagged.",
	.help = "  --task ID            the current task\n"
		"  --conversation ID    the current conversation\n"
		"  --project ID         the project; by default the name of the git origin\n"
		"  --set FIELD=VALUE    any context field\n"
		"  --relay PATTERN      tag requests to this relay; can be given again\n"
		"                       (without one: loopback only)\n"
		"  --preset NAME        whose headers to send; tagalong presets lists them\n"
		"  --no-service         the environment alone, no context service\n"
		"  --debug              say on stderr what is decided, one line for each decision\n\n"
		"The exit code is the command's own; 127 when it is not found, 126 when it cannot be\n"
		"run, 2 for a bad option, 3 when the shim cannot be loaded.\n\n"
		"  tagalong run --task T-42 --relay https://relay.example.com -- nvim\n",
	.run = run,
};
