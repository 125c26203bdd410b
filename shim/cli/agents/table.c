// SPDX-License-Identifier: MIT
/* Which agents can be set up, by one row each. */
#include "cli/agents/agents.h"

#include <string.h>

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
	  .advice = "Codex runs a new hook only after you trusted it: type /hooks in Codex." },
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
