// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>

static int run(const struct command *command, int argc, char **argv)
{
	int code;

	if (next_option(command, argc, argv, &code) == OPTION_DONE)
		return code;
	if (optind < argc)
		return usage_error(command, "\"%s\" is one argument too many", argv[optind]);
	printf("tagalong %s\n%s\n", TAGALONG_VERSION, curl_version());
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.summary = "Print the version, and that of libcurl.",
	.about = "It is that libcurl with which explain takes URLs apart.",
	.examples = "",
	.run = run,
};
