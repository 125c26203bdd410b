// SPDX-License-Identifier: MIT
#include "cli/command.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static int run(const struct command *command, int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return print_help(command);
	if (argc > 1)
		return usage_error(command, "\"%s\" is one argument too many", argv[1]);
	printf("tagalong %s\n%s\n", TAGALONG_VERSION, curl_version());
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.arguments = "",
	.summary = "Print the version, and that of the libcurl that explain parses URLs with.",
	.help = "",
	.run = run,
};
