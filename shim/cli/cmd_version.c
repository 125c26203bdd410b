// SPDX-License-Identifier: MIT
/* tagalong version. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"

static int run(const struct command *command, int argc, char **argv)
{
	next_option(command, argc, argv);
	if (optind < argc)
		usage_error(command, "too many arguments: %s", argv[optind]);
	printf("tagalong %s\n%s\n", TAGALONG_VERSION, curl_version());
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.summary = "Print the version, and that of the libcurl in use.",
	.about = "explain and headers parse URLs with that libcurl.",
	.examples = "",
	.run = run,
};
