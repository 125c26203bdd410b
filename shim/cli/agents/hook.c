// SPDX-License-Identifier: MIT
/*
 * tagalong agents hook: run by an agent's own hook when a session begins, with a JSON object on
 * standard input. It sets the conversation in the scope that it runs in, and never fails: an agent
 * shows a failing hook to its user.
 */
#include "cli/agents/agents.h"

#include <cjson/cJSON.h>
#include <unistd.h>

#include "cli/publish.h"

/* A prompt may be in it, too. */
#define INPUT_BYTES_MAX (1 << 20)

static cJSON *read_input(void)
{
	static char memory[INPUT_BYTES_MAX];
	size_t len = 0;
	ssize_t count;

	while (len < sizeof(memory) &&
	       (count = read(STDIN_FILENO, memory + len, sizeof(memory) - len)) > 0)
		len += (size_t)count;
	return cJSON_ParseWithLength(memory, len);
}

void agent_hook(const struct agent *agent)
{
	const char *values[FIELD_COUNT] = { NULL };
	cJSON *input = read_input();

	values[FIELD_CONVERSATION_ID] =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(input, "session_id"));
	values[FIELD_APP] = agent->title;
	if (values[FIELD_CONVERSATION_ID] && publish_own(values))
		agents_note_seen(agent->name);
	cJSON_Delete(input);
}
