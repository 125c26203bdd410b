// SPDX-License-Identifier: MIT
/* tagalong agents: the command. */
#include "cli/agents/agents.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_row(const struct agent *agent)
{
	struct agent_record record;
	time_t seen = agent_seen(agent);
	char when[32] = "never seen working";
	int result = agent_record_read(agent, &record);

	if (seen)
		strftime(when, sizeof(when), "seen working %F %R", localtime(&seen));
	if (result) {
		printf("  %-12s %s\n", agent->name,
		       result == -ENOENT ? "not installed" : "its record cannot be read");
		return;
	}
	printf("  %-12s %s, %s\n  %-12s %s\n", agent->name,
	       agent_is_in_place(&record) ? "installed" : "changed since it was installed", when,
	       "", record.file);
	agent_record_release(&record);
}

static int status(void)
{
	const struct agent *agent;

	for (size_t i = 0; (agent = agent_at(i)); i++)
		print_row(agent);
	return EXIT_OK;
}

/* Whether to write, after the change was shown. */
static bool confirm(void)
{
	char answer[8];

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		report_error("nothing is written without --yes, as there is nobody to ask");
		return false;
	}
	fputs("Write this? [y/N] ", stdout);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int change(const struct agent *agent, bool install, bool yes)
{
	int (*act)(const struct agent *, bool) = install ? agent_install : agent_uninstall;
	int code;

	if (yes) {
		code = act(agent, true);
	} else {
		code = act(agent, false);
		if (code != EXIT_OK)
			return code;
		if (!confirm())
			return EXIT_NOTHING;
		code = act(agent, true);
	}
	if (install && code == EXIT_OK && agent->advice)
		puts(agent->advice);
	return code;
}

enum { OPT_YES = 1 };

static const struct command_option options[] = {
	{ "yes", NULL, "write without asking", WORD_FREE, OPT_YES, 0 },
	{ 0 },
};

static const struct command_verb verbs[] = {
	{ "status", "", "what is installed, and when it was last seen working", WORD_FREE },
	{ "install", "AGENT", "show the change, ask, write it", WORD_AGENT },
	{ "uninstall", "AGENT", "take back exactly that", WORD_AGENT },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	const struct agent *agent;
	bool yes = false;
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE)
		yes = yes || option == OPT_YES;
	if (option == OPTION_DONE)
		return code;
	argc -= optind;
	argv += optind;
	if (argc == 1 && !strcmp(argv[0], "status"))
		return status();
	if (argc != 2)
		return usage_error(command, "a verb and an agent are wanted");
	agent = agent_find(argv[1]);
	if (!strcmp(argv[0], "hook")) {
		if (agent)
			agent_hook(agent);
		return EXIT_OK;
	}
	if (!agent)
		return usage_error(command, "there is no agent \"%s\"", argv[1]);
	if (!strcmp(argv[0], "install") || !strcmp(argv[0], "uninstall"))
		return change(agent, argv[0][0] == 'i', yes);
	return usage_error(command, "there is no verb \"%s\"", argv[0]);
}

const struct command command_agents = {
	.name = "agents",
	.operands = "[AGENT]",
	.summary = "Set up coding agents to tell which session a request is for.",
	.verbs = verbs,
	.options = options,
	.about = "AGENT is kilo, opencode, claude-code or codex. What is changed in its configuration "
		 "is shown before it is written.",
	.examples = "tagalong agents install kilo",
	.run = run,
};
