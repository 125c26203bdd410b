// SPDX-License-Identifier: MIT
/* tagalong config: is the configuration right, what does it come to, where is it. */
#include "cli/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd_config_file.h"
#include "cli/cmd_config_show.h"

struct call {
	const char *verb, *file;
	bool json;
};

static int check(const struct call *call)
{
	struct config_file file;
	int result = config_file_load(call->file, &file);

	if (result == EXIT_NOTHING && file.faults)
		fprintf(stderr, "%s: %zu fault%s; with it nothing is tagged\n", file.path, file.faults,
			file.faults == 1 ? "" : "s");
	else if (result == EXIT_OK && !file.path[0])
		puts("there is no configuration: the environment alone counts");
	else if (result == EXIT_OK)
		printf("%s: good, %zu rule%s\n", file.path, file.config->rules_count,
		       file.config->rules_count == 1 ? "" : "s");
	config_file_release(&file);
	return result;
}

static int show(const struct call *call)
{
	struct config_file file;
	int result = config_file_load(call->file, &file);

	if (result == EXIT_OK)
		config_show(&file, call->json);
	config_file_release(&file);
	return result;
}

static int path(const struct call *call)
{
	struct config_file file;
	int result = config_file_load(NULL, &file);

	if (file.path[0])
		puts(file.path);
	config_file_release(&file);
	return result == EXIT_OK && !file.path[0] ? EXIT_NOTHING : result;
}

enum { OPT_JSON = 1 };

static const struct command_option options[] = {
	{ "json", NULL, "of show: for programs", WORD_FREE, OPT_JSON, 0 },
	{ 0 },
};

static const struct command_verb verbs[] = {
	{ "check", "[FILE]", "every fault with file, line, column and reason", WORD_FILE },
	{ "show", "[FILE]", "each value and where it comes from", WORD_FILE },
	{ "path", "", "the file that is in force", WORD_FREE },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct call call = { .verb = NULL };
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE)
		call.json = call.json || option == OPT_JSON;
	if (option == OPTION_DONE)
		return code;
	if (argc - optind < 1 || argc - optind > 2)
		return usage_error(command, "one of check, show and path is wanted, and at most one file");
	call.verb = argv[optind];
	call.file = argv[optind + 1];
	if (call.json && strcmp(call.verb, "show"))
		return usage_error(command, "--json goes with show");
	if (!strcmp(call.verb, "check"))
		return check(&call);
	if (!strcmp(call.verb, "show"))
		return show(&call);
	if (!strcmp(call.verb, "path") && !call.file)
		return path(&call);
	return usage_error(command, "\"%s\" is not understood", argv[argc - 1]);
}

const struct command command_config = {
	.name = "config",
	.operands = "[FILE]",
	.summary = "Check the configuration, show what it comes to, or tell where it is.",
	.verbs = verbs,
	.options = options,
	.about = "FILE is another than the one in force: $TAGALONG_CONFIG, else "
		 "$XDG_CONFIG_HOME/tagalong/config.json (~/.config), else "
		 "/etc/tagalong/config.json.\n\n"
		 "The exit code is 1 when check finds a fault, and when path finds no file.",
	.examples = "tagalong config check",
	.run = run,
};
