// SPDX-License-Identifier: MIT
/* tagalong run: sets the environment and becomes the command. No process is left in between. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/launch.h"
#include "protocol/message.h"

static const char *scope;

static const struct command_option options[] = {
	LAUNCH_OPTIONS,
	{ "scope", "NAME", "run in this named scope, which is opened if it does not exist",
	  WORD_SCOPE, .text = &scope },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct launch launch = { 0 };
	int option;

	while ((option = next_option(command, argc, argv)) != OPTION_END)
		launch_option(command, option, optarg, &launch);
	if (optind == argc)
		usage_error(command, "no command to run");
	if (scope && launch.no_service)
		usage_error(command, "--scope and --no-service cannot be combined");
	if (scope && !wire_name_ok(text_of(scope)))
		usage_error(command,
			    "--scope needs a name of letters, digits and ._-:/@+, not \"%s\"",
			    scope);
	launch_hooks();
	if (!launch.no_service)
		scope_open(scope, launch.debug);
	launch_fixed_headers(argv[optind]);
	execvp(argv[optind], argv + optind);
	die(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, "cannot run %s: %s",
	    argv[optind], strerror(errno));
}

const struct command command_run = {
	.name = "run",
	.operands = "[--] COMMAND [ARG...]",
	.summary = "Run COMMAND and tag the chat requests that it and its children send.",
	.options = options,
	.about = "The exit code is that of the command; 127 if it was not found, 126 if it could "
		 "not be run, 2 for a bad option, 3 if libtagalong.so was not found.",
	.examples = "tagalong run --task T-42 --relay https://relay.example.com -- nvim",
	.word = WORD_CALL,
	.run = run,
};
