// SPDX-License-Identifier: MIT
/* All commands together: for a screen, and for docs/commands.md. */
#include "cli/cmd_manual.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

void print_overview(FILE *out)
{
	const struct command *command;

	fputs("Tagalong tells an LLM relay what each request is for, from programs that nobody\n"
	      "can change.\n\nusage: tagalong COMMAND [ARG...]\n\n",
	      out);
	for (size_t i = 0; (command = command_at(i)); i++)
		fprintf(out, "  %-9s %s\n", command->name, command->summary);
	fputs("\nExample:\n"
	      "  tagalong run --task T-42 -- curl -d @chat.json localhost:8090/v1/messages\n\n"
	      "tagalong COMMAND --help tells more.\n",
	      out);
}

static void print_options_inline(const struct command *command)
{
	for (const struct command_option *row = command->options; row && row->name; row++)
		printf(" [--%s%s%s]", row->name, row->argument ? " " : "",
		       row->argument ? row->argument : "");
}

/* A call in whole: "tagalong context get [--scope SCOPE] [--json] [FIELD...]". */
static void print_calls(const struct command *command)
{
	const struct command_verb *verb = command->verbs;

	do {
		printf("    tagalong %s%s%s", command->name, verb ? " " : "", verb ? verb->name : "");
		print_options_inline(command);
		if (verb)
			printf("%s%s", verb->arguments[0] ? " " : "", verb->arguments);
		else
			printf("%s%s", command->operands[0] ? " " : "", command->operands);
		putchar('\n');
	} while (verb && (++verb)->name);
}

/* In a cell of a table: "|" and "\" are escaped. */
static void print_cell(const char *text)
{
	for (; *text; text++)
		printf(*text == '|' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void print_tables(const struct command *command)
{
	if (command->verbs)
		puts("\n| verb | does |\n|---|---|");
	for (const struct command_verb *verb = command->verbs; verb && verb->name; verb++) {
		printf("| `%s%s%s` | ", verb->name, verb->arguments[0] ? " " : "", verb->arguments);
		print_cell(verb->help);
		puts(" |");
	}
	if (command->options)
		puts("\n| option | means |\n|---|---|");
	for (const struct command_option *row = command->options; row && row->name; row++) {
		printf("| `");
		if (row->letter)
			printf("-%c`, `", row->letter);
		printf("--%s%s%s` | ", row->name, row->argument ? " " : "",
		       row->argument ? row->argument : "");
		print_cell(row->help);
		puts(" |");
	}
}

/* Texts that are shown on a terminal as they are, and have no markup. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		printf(strchr("<>*_[]`\\", *text) ? "\\%c" : "%c", *text);
	putchar('\n');
}

static void print_command(const struct command *command)
{
	printf("\n### tagalong %s\n\n", command->name);
	print_plain(command->summary);
	print_tables(command);
	if (command->about[0]) {
		putchar('\n');
		print_plain(command->about);
	}
	if (!command->examples[0])
		return;
	printf("\n    ");
	for (const char *at = command->examples; *at; at++)
		printf(*at == '\n' ? "%c    " : "%c", *at);
	putchar('\n');
}

void print_manual(void)
{
	const struct command *command;

	puts("# The commands\n\n"
	     "<!-- Made by `tagalong help --markdown` of the tables of the commands; not to be edited. -->\n\n"
	     "## Synopsis\n");
	for (size_t i = 0; (command = command_at(i)); i++)
		print_calls(command);
	puts("    tagalong help [COMMAND]\n\n"
	     "## Description\n\n"
	     "Tagalong tells an LLM relay what each request is for, from programs that nobody can "
	     "change: it is a\nshared object for `LD_PRELOAD` ([libtagalong](variables.md)) that adds "
	     "headers to the chat requests which\nlibcurl sends to the relays that were named. "
	     "`tagalong run` starts a program with it; the other commands\nsay what it would do, change "
	     "what it sends, and look after it. `tagalong-run` is that start alone, "
	     "with\nthe same options, in plain sh.\n\n"
	     "## Commands");
	for (size_t i = 0; (command = command_at(i)); i++)
		print_command(command);
	puts("\n## Exit status\n\n"
	     "| code | when |\n|---|---|\n"
	     "| `0` | it is done, or the answer is yes |\n"
	     "| `1` | the answer is no: there is no such thing, or no header would be added |\n"
	     "| `2` | a bad call |\n"
	     "| `3` | trouble: what is needed cannot be had |\n"
	     "| `126`, `127` | of `run`: the command cannot be run, or is not found |\n\n"
	     "`tagalong run` has its command's own otherwise.\n\n"
	     "## See also\n\n"
	     "[libtagalong](variables.md), [tagalong.json](configuration.md), "
	     "[tagalong-protocol](protocol.md)");
}
