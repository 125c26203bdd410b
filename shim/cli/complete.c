// SPDX-License-Identifier: MIT
/* tagalong complete: what may stand at the end of a call, by the commands' tables. */
#include "cli/complete.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agents/agents.h"
#include "core/variables.h"
#include "cli/command.h"
#include "cli/ask.h"
#include "core/preset.h"
#include "cli/wrap/wrap.h"

/* Nobody who pressed a key waits longer: a service may hang, and so may a folder. */
#define COMPLETE_SECONDS 1

/* The unfinished word. */
struct unfinished {
	const char *lead; /* "--preset=", which stays */
	size_t lead_len;
	const char *given; /* what candidates begin with */
};

static void offer(const struct unfinished *word, const char *candidate, const char *what)
{
	if (strncmp(candidate, word->given, strlen(word->given)) != 0)
		return;
	printf("%.*s%s%s%s\n", (int)word->lead_len, word->lead, candidate, what[0] ? "\t" : "", what);
}

static void offer_text(const struct unfinished *word, struct text candidate)
{
	char *copy = text_copy(candidate);

	offer(word, copy, "");
	free(copy);
}

static void offer_fields(const struct unfinished *word, const char *behind)
{
	char memory[64];

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		snprintf(memory, sizeof(memory), "%s%s", field_name(field), behind);
		offer(word, memory, field_variable(field));
	}
}

static void offer_presets(const struct unfinished *word)
{
	struct preset preset;

	for (size_t i = 0; i < preset_count(); i++) {
		preset_at(i, &preset);
		offer_text(word, preset.name);
	}
}

static void offer_agents(const struct unfinished *word)
{
	const struct agent *agent;

	for (size_t i = 0; (agent = agent_at(i)); i++)
		offer(word, agent->name, agent->title);
}

static void offer_scopes(const struct unfinished *word)
{
	static struct ask ask; /* large */
	struct wire_request request = { .op = WIRE_LIST };
	struct wire_scope scope;
	struct wire_reply reply;
	size_t len;
	char *line;
	int code;

	ask.is_quiet = true;
	if (!ask_connect(&ask))
		return;
	do {
		if (!ask_send(&ask, &request) || !ask_line(&ask, ASK_TIMEOUT_MS, &line, &len) ||
		    !ask_understand(&ask, line, len, &reply, &code))
			break;
		while (wire_next_scope(&reply.scopes, &scope) > 0)
			offer_text(word, scope.scope);
		if (reply.next <= request.after)
			break;
		request.after = reply.next;
	} while (request.after);
	ask_close(&ask);
}

/* In the folder that wrap uses by default. */
static void offer_launchers(const struct unfinished *word)
{
	const char *home = variable_get_named("HOME");
	char folder[PATH_BYTES_MAX], path[PATH_BYTES_MAX];
	struct dirent **entries;
	int count;

	if (!home || snprintf(folder, sizeof(folder), "%s/.local/bin", home) >= (int)sizeof(folder))
		return;
	count = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) <
			    (int)sizeof(path) &&
		    launcher_is(path))
			offer(word, entries[i]->d_name, "");
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* `at` is the number of the word among all. */
static void offer_kind(const struct unfinished *word, enum word kind, int at)
{
	switch (kind) {
	case WORD_FREE:
		return;
	case WORD_FIELD:
		offer_fields(word, "");
		return;
	case WORD_PAIR:
		offer_fields(word, "=");
		return;
	case WORD_PRESET:
		offer_presets(word);
		return;
	case WORD_SCOPE:
		offer_scopes(word);
		offer(word, "default", "the scope of all programs of this user");
		return;
	case WORD_AGENT:
		offer_agents(word);
		return;
	case WORD_LAUNCHER:
		offer_launchers(word);
		return;
	case WORD_BY:
		for (size_t i = 0; log_by_word(i); i++)
			offer(word, log_by_word(i), "");
		return;
	case WORD_FILE:
		puts(":file");
		return;
	case WORD_FOLDER:
		puts(":folder");
		return;
	case WORD_PROGRAM:
	case WORD_CALL:
		printf(":command %d\n", at);
		return;
	}
}

static void offer_commands(const struct unfinished *word)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++)
		offer(word, command->name, command->summary);
	offer(word, "help", "show the help of a command");
}

static void offer_verbs(const struct unfinished *word, const struct command *command)
{
	for (const struct command_verb *verb = command->verbs; verb->name; verb++)
		offer(word, verb->name, verb->help);
}

static void offer_options(const struct unfinished *word, const struct command *command)
{
	char memory[64];

	for (const struct command_option *row = command->options; row && row->name; row++) {
		snprintf(memory, sizeof(memory), "--%s", row->name);
		offer(word, memory, row->help);
	}
	offer(word, "--help", "show this help");
}

static const struct command_option *find_option(const struct command *command, const char *name,
						size_t len)
{
	for (const struct command_option *row = command->options; row && row->name; row++) {
		if (strlen(row->name) == len && !memcmp(row->name, name, len))
			return row;
	}
	return NULL;
}

/* --preset=li */
static void offer_behind_equals(const struct command *command, const char *word, int at)
{
	const char *equals = strchr(word, '=');
	const struct command_option *row =
		find_option(command, word + 2, (size_t)(equals - word) - 2);
	struct unfinished value = { word, (size_t)(equals - word) + 1, equals + 1 };

	if (row && row->argument)
		offer_kind(&value, row->word, at);
}

/* What the words before the last one leave open. */
struct call_state {
	const struct command_option *wanting; /* this option's argument is next */
	const struct command_verb *verb;
	int operands;
	bool only_operands; /* "--" was there */
};

/* Reads one finished word. False when the rest is another program's. */
static bool read_word(const struct command *command, const char *word, struct call_state *state)
{
	const struct command_option *row;

	if (state->wanting) {
		state->wanting = NULL;
		return true;
	}
	if (!state->only_operands && !strcmp(word, "--")) {
		state->only_operands = true;
		return true;
	}
	if (!state->only_operands && word[0] == '-' && word[1]) {
		row = word[1] == '-' ? find_option(command, word + 2, strlen(word + 2)) : NULL;
		state->wanting = row && row->argument ? row : NULL;
		return true;
	}
	for (const struct command_verb *verb = command->verbs;
	     !state->operands && verb && verb->name; verb++)
		state->verb = strcmp(verb->name, word) ? state->verb : verb;
	state->operands++;
	return command->word != WORD_PROGRAM && command->word != WORD_CALL;
}

static void complete_command(const struct command *command, int count, char **words)
{
	struct unfinished last = { "", 0, words[count - 1] };
	struct call_state state = { 0 };

	for (int i = 1; i < count - 1; i++) {
		if (read_word(command, words[i], &state))
			continue;
		if (command->word == WORD_CALL)
			printf(":command %d\n", i);
		return;
	}
	if (state.wanting)
		offer_kind(&last, state.wanting->word, count - 1);
	else if (!state.only_operands && !strncmp(last.given, "--", 2) && strchr(last.given, '='))
		offer_behind_equals(command, last.given, count - 1);
	else if (!state.only_operands && last.given[0] == '-')
		offer_options(&last, command);
	else if (!command->verbs)
		offer_kind(&last, command->word, count - 1);
	else if (state.verb)
		offer_kind(&last, state.verb->word, count - 1);
	else if (!state.operands)
		offer_verbs(&last, command);
}

/* What is still in stdout's buffer is dropped: half a list is worse than none. */
static void on_alarm(int signal)
{
	_exit(EXIT_OK);
}

int complete(int count, char **words)
{
	const struct command *command;

	signal(SIGALRM, on_alarm);
	alarm(COMPLETE_SECONDS);
	if (count < 1)
		return EXIT_OK;
	command = count > 1 ? command_find(words[0]) : NULL;
	if (command)
		complete_command(command, count, words);
	else if (count == 1 || (count == 2 && !strcmp(words[0], "help")))
		offer_commands(&(struct unfinished){ "", 0, words[count - 1] });
	return EXIT_OK;
}
