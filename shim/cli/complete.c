// SPDX-License-Identifier: MIT
/* tagalong complete: what may stand at the end of a call, from the commands' tables. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agents/agents.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/wrap/wrap.h"
#include "core/preset.h"
#include "core/variables.h"

/* Nobody who pressed a key waits longer: a service may hang, and so may a folder. */
#define COMPLETE_SECONDS 1

/* The unfinished word. */
struct unfinished {
	struct text lead; /* "--preset=", which is repeated in front of each candidate */
	const char *typed; /* what candidates begin with */
};

static void offer(const struct unfinished *word, const char *candidate, const char *description)
{
	if (!strncmp(candidate, word->typed, strlen(word->typed)))
		printf("%.*s%s%s%s\n", (int)word->lead.len, word->lead.ptr, candidate,
		       description[0] ? "\t" : "", description);
}

static void offer_text(const struct unfinished *word, struct text candidate)
{
	char *copy = text_copy(candidate);

	offer(word, copy, "");
	free(copy);
}

static void offer_scopes(const struct unfinished *word)
{
	static struct ask ask = { .is_quiet = true }; /* large */
	struct wire_request request = { .op = WIRE_LIST };
	struct wire_scope scope;
	struct wire_reply reply;

	offer(word, "default", "the scope of all programs of this user");
	if (!ask_connect(&ask))
		return;
	do {
		if (!ask_exchange(&ask, &request, ASK_TIMEOUT_MS, &reply))
			break;
		while (wire_next_scope(&reply.scopes, &scope) > 0) {
			if (!text_eq(scope.scope, TEXT("default")))
				offer_text(word, scope.scope);
		}
		if (reply.next <= request.after)
			break;
		request.after = reply.next;
	} while (request.after);
	ask_close(&ask);
}

static void offer_launcher(void *arg, const char *name, const struct launcher *launcher)
{
	offer(arg, name, "");
}

/* `at` is the number of the word among all. */
static void offer_kind(const struct unfinished *word, enum word kind, int at)
{
	const char *home = variable_get_named("HOME");
	char name[64], path[PATH_BYTES_MAX];
	const struct agent *agent;

	switch (kind) {
	case WORD_FREE:
		break;
	case WORD_FIELD:
	case WORD_PAIR:
		for (enum field field = 0; field < FIELD_COUNT; field++) {
			snprintf(name, sizeof(name), "%s%s", field_name(field),
				 kind == WORD_PAIR ? "=" : "");
			offer(word, name, field_variable(field));
		}
		break;
	case WORD_PRESET:
		for (size_t i = 0; i < preset_count(); i++) {
			struct text preset, hosts;

			preset_head_at(i, &preset, &hosts);
			offer_text(word, preset);
		}
		break;
	case WORD_SCOPE:
		offer_scopes(word);
		break;
	case WORD_AGENT:
		for (size_t i = 0; (agent = agent_at(i)); i++)
			offer(word, agent->name, agent->title);
		break;
	case WORD_LAUNCHER:
		/* In the folder that wrap uses by default. */
		if (home && snprintf(path, sizeof(path), "%s/.local/bin", home) < (int)sizeof(path))
			launcher_each(path, offer_launcher, (void *)word);
		break;
	case WORD_BY:
		for (size_t i = 0; log_by_word(i); i++)
			offer(word, log_by_word(i), "");
		break;
	case WORD_FILE:
		puts(":file");
		break;
	case WORD_FOLDER:
		puts(":folder");
		break;
	case WORD_PROGRAM:
	case WORD_CALL:
		printf(":command %d\n", at);
		break;
	}
}

static const struct command_option *find_option(const struct command *command, struct text name)
{
	for (const struct command_option *row = command->options; row && row->name; row++) {
		if (text_eq(text_of(row->name), name))
			return row;
	}
	return NULL;
}

static void complete_command(const struct command *command, int count, char **words)
{
	bool is_call = command->word == WORD_CALL || command->word == WORD_PROGRAM;
	const struct command_option *row, *wanting = NULL; /* the next word is its argument */
	const struct command_verb *verb = NULL;
	bool only_operands = false; /* "--" was there */
	struct unfinished last = { { NULL, 0 }, words[count - 1] };
	const char *equals = strchr(last.typed, '=');
	char name[64];
	int operands = 0;

	for (int i = 1; i < count - 1; i++) {
		if (wanting) {
			wanting = NULL;
		} else if (!only_operands && !strcmp(words[i], "--")) {
			only_operands = true;
		} else if (!only_operands && words[i][0] == '-' && words[i][1]) {
			row = words[i][1] == '-' ? find_option(command, text_of(words[i] + 2)) :
						   NULL;
			wanting = row && row->argument ? row : NULL;
		} else if (is_call) {
			if (command->word == WORD_CALL)
				printf(":command %d\n", i);
			return; /* the rest is another program's */
		} else {
			for (size_t j = 0; !operands && command->verbs && command->verbs[j].name;
			     j++)
				verb = strcmp(command->verbs[j].name, words[i]) ?
					       verb :
					       &command->verbs[j];
			operands++;
		}
	}
	if (wanting) {
		offer_kind(&last, wanting->word, count - 1);
	} else if (!only_operands && !strncmp(last.typed, "--", 2) && equals) {
		last.lead = (struct text){ last.typed, (size_t)(equals + 1 - last.typed) };
		row = find_option(command, (struct text){ last.typed + 2, last.lead.len - 3 });
		last.typed = equals + 1;
		if (row && row->argument)
			offer_kind(&last, row->word, count - 1);
	} else if (!only_operands && last.typed[0] == '-') {
		for (row = command->options; row && row->name; row++) {
			snprintf(name, sizeof(name), "--%s", row->name);
			offer(&last, name, row->help);
		}
		offer(&last, "--help", "show this help");
	} else if (!command->verbs || verb) {
		offer_kind(&last, verb ? verb->word : command->word, count - 1);
	} else if (!operands) {
		for (verb = command->verbs; verb->name; verb++)
			offer(&last, verb->name, verb->help);
	}
}

/* What is still in stdout's buffer is dropped: half a list is worse than none. */
static void on_alarm(int signal)
{
	_exit(EXIT_OK);
}

int complete(int count, char **words)
{
	const struct command *command = count > 1 ? command_find(words[0]) : NULL;
	struct unfinished last = { { NULL, 0 }, count ? words[count - 1] : "" };

	signal(SIGALRM, on_alarm);
	alarm(COMPLETE_SECONDS);
	if (command) {
		complete_command(command, count, words);
	} else if (count == 1 || (count == 2 && !strcmp(words[0], "help"))) {
		for (size_t i = 0; (command = command_at(i)); i++)
			offer(&last, command->name, command->summary);
		offer(&last, "help", "show the help of a command");
	}
	return EXIT_OK;
}
