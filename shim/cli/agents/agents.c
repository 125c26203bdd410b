// SPDX-License-Identifier: MIT
/* tagalong agents: the command, the agents that can be set up, and the hook that two of them
 * run. */
#include "cli/agents/agents.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/ask.h"

/* What an agent's hook gets on stdin; a prompt may be in it. */
#define HOOK_BYTES_MAX (1 << 20)

static const struct agent agents[] = {
	/* Its plugin folder would do without an edit, but then Kilo installs an npm package first,
	 * and every start waits more than a minute where the registry cannot be reached. */
	{ .name = "kilo",
	  .title = "Kilo",
	  .variable = "XDG_CONFIG_HOME",
	  .home = ".config",
	  .below = "/kilo",
	  .files = { "kilo.jsonc", "kilo.json" },
	  .path = { "plugin" } },
	{ .name = "opencode",
	  .title = "opencode",
	  .variable = "XDG_CONFIG_HOME",
	  .home = ".config",
	  .below = "/opencode",
	  .own = "plugin/tagalong.js",
	  .path = { "" },
	  .advice = "opencode installs an npm package of its own when it first finds a plugin." },
	{ .name = "claude-code",
	  .title = "Claude Code",
	  .variable = "CLAUDE_CONFIG_DIR",
	  .home = ".claude",
	  .below = "",
	  .files = { "settings.json" },
	  .path = { "hooks", "SessionStart" },
	  .strict = true,
	  .hook = true },
	{ .name = "codex",
	  .title = "Codex",
	  .variable = "CODEX_HOME",
	  .home = ".codex",
	  .below = "",
	  .files = { "hooks.json" },
	  .path = { "hooks", "SessionStart" },
	  .strict = true,
	  .hook = true,
	  .also = "codex-headers",
	  .advice = "Codex runs a new hook only after you trusted it: type /hooks in Codex." },
	{ .name = "codex-headers",
	  .title = "Codex's headers",
	  .variable = "CODEX_HOME",
	  .home = ".codex",
	  .below = "",
	  .files = { "config.toml" },
	  .path = { "env_http_headers" },
	  .toml = true },
};

#define AGENTS (sizeof(agents) / sizeof(agents[0]))

const struct agent *agent_at(size_t index)
{
	return index < AGENTS ? &agents[index] : NULL;
}

const struct agent *agent_find(const char *name)
{
	for (size_t i = 0; i < AGENTS; i++) {
		if (!strcmp(agents[i].name, name))
			return &agents[i];
	}
	return NULL;
}

static int print_status(void)
{
	for (size_t i = 0; i < AGENTS; i++) {
		const struct agent *agent = &agents[i];
		time_t seen = agent_seen(agent);
		char when[32] = "never seen working";
		struct receipt receipt;
		int result = receipt_read(agent, &receipt);

		if (seen)
			strftime(when, sizeof(when), "seen working %F %R", localtime(&seen));
		if (result) {
			printf("  %-13s %s\n", agent->name,
			       result == -ENOENT ? "not installed" :
						   "its install receipt cannot be read");
			continue;
		}
		printf("  %-13s %s, %s\n  %-13s %s\n", agent->name,
		       receipt_is_in_place(&receipt) ? "installed" :
						       "changed since it was installed",
		       when, "", receipt.file);
		receipt_release(&receipt);
	}
	return EXIT_OK;
}

/* Run by an agent's own hook when a session begins, with a JSON object on standard input: sets
 * the conversation of the scope that it runs in. It prints nothing, as that may go to the model,
 * and never fails, as an agent shows that to its user. */
static void run_hook(const struct agent *agent)
{
	static char memory[HOOK_BYTES_MAX];
	const char *values[FIELD_COUNT] = { NULL };
	size_t len = fread(memory, 1, sizeof(memory), stdin);
	cJSON *input = cJSON_ParseWithLength(memory, len);

	values[FIELD_CONVERSATION_ID] = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(input, "session_id"));
	values[FIELD_APP] = agent->title;
	if (values[FIELD_CONVERSATION_ID] && publish_own(values))
		agents_note_seen(agent->name);
	cJSON_Delete(input);
}

static bool yes;

static const struct command_option options[] = {
	{ "yes", NULL, "write without asking", .flag = &yes },
	{ 0 },
};

static const struct command_verb verbs[] = {
	{ "status", "", "show what is installed, and when it was last seen working", WORD_FREE },
	{ "install", "AGENT", "show the change, ask, and write it", WORD_AGENT },
	{ "uninstall", "AGENT", "remove exactly what install has written", WORD_AGENT },
	{ 0 },
};

/* Shows the change, asks whether to write it, and does. */
static int change(const struct agent *agent, int (*act)(const struct agent *, enum agent_mode))
{
	char answer[8];
	int code;

	if (yes)
		return act(agent, AGENT_WRITE);
	code = act(agent, AGENT_SHOW);
	if (code != EXIT_OK)
		return code == EXIT_NOTHING ? EXIT_OK : code;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		die(EXIT_NOTHING, "nothing was written: there is no terminal to ask on; use --yes");
	fputs("Write this? [y/N] ", stdout);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return EXIT_NOTHING;
	return act(agent, AGENT_WRITE);
}

static int run(const struct command *command, int argc, char **argv)
{
	const struct agent *agent, *also;
	bool install;
	int code;

	next_option(command, argc, argv);
	argc -= optind;
	argv += optind;
	if (!argc)
		usage_error(command, "a subcommand is needed: status, install or uninstall");
	if (!strcmp(argv[0], "status") && argc > 1)
		usage_error(command, "status takes no agent");
	if (!strcmp(argv[0], "status"))
		return print_status();
	agent = argc == 2 ? agent_find(argv[1]) : NULL;
	if (!strcmp(argv[0], "hook")) {
		if (agent)
			run_hook(agent);
		return EXIT_OK;
	}
	install = !strcmp(argv[0], "install");
	if (!install && strcmp(argv[0], "uninstall") != 0)
		usage_error(command, "unknown subcommand: %s", argv[0]);
	if (argc != 2)
		usage_error(command, "%s needs one agent", argv[0]);
	if (!agent)
		usage_error(command, "unknown agent: %s", argv[1]);
	refuse_foreign_home();
	code = change(agent, install ? agent_install : agent_uninstall);
	if (install && code == EXIT_OK && agent->advice)
		puts(agent->advice);
	also = agent->also ? agent_find(agent->also) : NULL;
	if (code == EXIT_OK && also && agent_fits(also, install))
		code = change(also, install ? agent_install : agent_uninstall);
	return code;
}

const struct command command_agents = {
	.name = "agents",
	.operands = "[AGENT]",
	.summary = "Set up coding agents to report which session a request is for.",
	.verbs = verbs,
	.options = options,
	.about =
		"AGENT is kilo, opencode, claude-code, codex or codex-headers. codex does codex-headers "
		"as well where config.toml names a provider of its own. Each change of a file is shown "
		"before it is written.",
	.examples = "tagalong agents install kilo",
	.run = run,
};
