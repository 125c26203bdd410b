// SPDX-License-Identifier: MIT
/*
 * Makes the pages of docs/ that come from tables of the program, linked with what the command is made of:
 *
 *	build/pages commands > docs/commands.md
 *	build/pages relays > docs/relays.md
 *	build/pages launcher     the lines of scripts/tagalong-run that name each field's variable
 *	build/pages variables    the table of the fields in docs/variables.md
 *	build/pages fields       the list of them in docs/protocol.md
 *	build/pages words        the same in docs/tagalong.schema.json
 *	build/pages presets      the list of presets there
 *
 * `make pages` writes them all; tests/pages compares them.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/presets.h"
#include "core/context.h"
#include "core/signals.def"

#define PRINT(text) (int)(text).len, (text).ptr

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

/* In a cell of a table "|" would end it, and so a backslash, outside of code, has to be doubled. */
static void print_cell(struct text text, const char *escaped)
{
	for (size_t i = 0; i < text.len; i++)
		printf(strchr(escaped, text.ptr[i]) ? "\\%c" : "%c", text.ptr[i]);
}

static void print_tables(const struct command *command)
{
	if (command->verbs)
		puts("\n| verb | does |\n|---|---|");
	for (const struct command_verb *verb = command->verbs; verb && verb->name; verb++) {
		printf("| `%s%s%s` | ", verb->name, verb->arguments[0] ? " " : "", verb->arguments);
		print_cell(text_of(verb->help), "|\\");
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
		print_cell(text_of(row->help), "|\\");
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

static void print_commands(void)
{
	const struct command *command;

	puts("# The commands\n\n"
	     "<!-- Made by `make pages` from the tables of the commands; not to be edited. -->\n\n"
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

static void print_preset(const struct preset *preset)
{
	struct text comment = preset_comment(preset->name);
	char limits[96];

	printf("\n## %.*s\n\n%.*s.\n", PRINT(preset->name), PRINT(comment));
	if (preset->hosts.len)
		printf("\nUsed by default for: `%.*s`.\n", PRINT(preset->hosts));
	if (preset->derives)
		puts("\nWhere there is no conversation, session or task id, a conversation id is made "
		     "([conversation.md](conversation.md)).");
	printf("\n| header | value | limits |\n|---|---|---|\n");
	for (size_t i = 0; i < preset->count; i++) {
		const struct header_rule *row = &preset->headers[i];

		printf("| %s`", row->kind == HEADER_MEMBER ? "... " : "");
		print_cell(row->name, "|");
		printf("` | ");
		if (row->value.len) {
			putchar('`');
			print_cell(row->value, "|");
			putchar('`');
		}
		printf("%s%s | %s |\n", row->kind == HEADER_FANOUT ? ", " : "", preset_kind_text(row->kind),
		       preset_limits_text(row, limits, sizeof(limits)));
	}
	putchar('\n');
	preset_print_example(preset);
}

static void print_relays(void)
{
	puts("# Relays and their headers\n\n"
	     "Made by `make pages` from `shim/presets`; not to be edited. For each "
	     "relay: its\ndocumentation, what is sent, and what that comes to for the context of "
	     "`T-42`. A header without a\nvalue is left out, and so is a member. The preset is the one "
	     "whose hosts the request goes to, unless\n`--preset` or the configuration names another; "
	     "for any other host it is `generic`.\nA preset that is named makes its product's own hosts "
	     "relays. Wildcards alone, as of `databricks`, are the\nhosts of its customers: name yours.");
	for (size_t i = 0; i < preset_count(); i++) {
		struct preset preset;

		preset_at(i, &preset);
		print_preset(&preset);
	}
}

/* One word of a list, in quotes, wrapped. */
static void print_word(struct text word, char quote, int indent, bool is_last)
{
	static size_t column;

	if (column + word.len + 4 > 100) {
		putchar('\n');
		column = 0;
	}
	column += (size_t)printf("%*s%c%.*s%c%s", column ? 1 : indent, "", quote, PRINT(word), quote,
				 is_last ? "\n" : ",");
}

static void print_signals(void)
{
	puts("| field | where | name | sent by |\n|---|---|---|---|");
#define HEADER(constant, name, product, source) \
	printf("| `%s` | header | `%s` | %s (%s) |\n", field_name(FIELD_##constant), name, product, source);
#define MEMBER(kind, name, rest, product, source) \
	puts("| `conversation_id` | body | `/" name rest "` | " product " (" source ") |");
	HEADER_SIGNALS(HEADER)
	BODY_SIGNALS(MEMBER)
}

/* The lines of a hand-written file that are made. */
static int print_list(const char *list)
{
	static const char *const what[] = {
#define WHAT(constant, name, variable, what, example) what,
		FIELDS(WHAT)
#undef WHAT
	};
	struct text name, hosts;

	for (size_t i = 0; !strcmp(list, "presets") && i < preset_count(); i++) {
		preset_head_at(i, &name, &hosts);
		print_word(name, '"', 12, i + 1 == preset_count());
	}
	if (!strcmp(list, "variables"))
		puts("| variable | what | field |\n|---|---|---|");
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		name = text_of(field_name(field));
		if (!strcmp(list, "launcher"))
			printf("\t%.*s) name=%s ;;\n", PRINT(name), field_variable(field));
		else if (!strcmp(list, "variables"))
			printf("| `%s` | %s | `%.*s` |\n", field_variable(field), what[field], PRINT(name));
		else if (!strcmp(list, "fields"))
			print_word(name, '`', 0, field + 1 == FIELD_COUNT);
		else if (!strcmp(list, "words"))
			print_word(name, '"', 8, field + 1 == FIELD_COUNT);
		else if (strcmp(list, "presets"))
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "commands"))
		print_commands();
	else if (argc == 2 && !strcmp(argv[1], "relays"))
		print_relays();
	else if (argc == 2 && !strcmp(argv[1], "signals"))
		print_signals();
	else if (argc == 2)
		return print_list(argv[1]);
	else
		return EXIT_USAGE;
	return EXIT_OK;
}
