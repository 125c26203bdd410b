// SPDX-License-Identifier: MIT
/* tagalong presets: what there is, and what one sends: as a table, with an example worked out by the
 * code that the shim uses; or all of them as the page docs/relays.md. */
#include "cli/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/preset.h"
#include "core/request.h"

#define PRINT(text) (int)(text).len, (text).ptr
/* Of a comment in the list: one line of a wide terminal. `presets NAME` prints all of it. */
#define COMMENT_BYTES 100

/* The context of the examples. */
static bool example_value(void *arg, struct text name, struct text *ret_value)
{
	static const struct {
		const char *name, *value;
	} values[] = {
		{ "task_id", "T-42" },
		{ "parent_task_id", "T-41" },
		{ "conversation_id", "c-7f3a91" },
		{ "session_id", "s-2026-11-25" },
		{ "project_id", "billing" },
		{ "organization_id", "acme" },
		{ "user_id", "u-9" },
		{ "mode", "code" },
		{ "feature", "cli" },
		{ "app", "nvim" },
		{ "app_version", "0.10" },
		{ "environment", "dev" },
		{ "tags", "team=pay,cost=7" },
		{ "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
		{ "tracestate", "rojo=00f067aa0ba902b7" },
		{ "baggage", "tenant=acme" },
		{ "request_id", "0192d3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d" },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!text_eq(name, text_of(values[i].name)))
			continue;
		*ret_value = text_of(values[i].value);
		return true;
	}
	return false;
}

static void print_example(const struct preset *preset)
{
	struct lines_recipe recipe = {
		.preset = preset->headers,
		.preset_count = preset->count,
		.max = LINES_MAX,
		.lookup = example_value,
	};
	struct tag_lines *lines = malloc(sizeof(*lines));

	if (!lines)
		return;
	lines_build(&recipe, lines);
	for (size_t i = 0; i < lines->count; i++)
		printf("    %.*s\n", PRINT(lines->line[i].line));
	free(lines);
}

static const char *kind_name(enum header_kind kind)
{
	switch (kind) {
	case HEADER_JSON:
		return "one JSON object";
	case HEADER_BAGGAGE:
		return "W3C baggage";
	case HEADER_LIST:
		return "key:value, comma separated";
	case HEADER_FANOUT:
		return "one header a tag";
	case HEADER_TEXT:
	case HEADER_OMIT:
	case HEADER_MEMBER:
		break;
	}
	return "";
}

/* "at most 5 members, 128 bytes a value", or nothing. */
static const char *limits_text(const struct header_rule *row, char *memory, size_t size)
{
	int used = 0;

	memory[0] = '\0';
	if (row->max_members)
		used = snprintf(memory, size, "at most %u members", row->max_members);
	if (row->max_value)
		used += snprintf(memory + used, size - (size_t)used, "%s%u bytes a value",
				 used ? ", " : "at most ", row->max_value);
	if (row->require_all)
		snprintf(memory + used, size - (size_t)used, "%sall members or none",
			 used ? ", " : "");
	return memory;
}

static void print_preset(const struct preset *preset)
{
	struct text comment = preset_comment(preset->name);
	char limits[96];

	printf("%.*s\n%.*s\n", PRINT(preset->name), PRINT(comment));
	if (preset->hosts.len)
		printf("Chosen by itself for: %.*s\n", PRINT(preset->hosts));
	putchar('\n');
	for (size_t i = 0; i < preset->count; i++) {
		const struct header_rule *row = &preset->headers[i];
		bool member = row->kind == HEADER_MEMBER;

		printf(member ? "    %-28.*s" : "  %-30.*s", PRINT(row->name));
		printf(" %.*s", PRINT(row->value));
		if (!row->value.len)
			printf("(%s)", kind_name(row->kind));
		limits_text(row, limits, sizeof(limits));
		printf("%s%s\n", limits[0] ? "  " : "", limits);
	}
	printf("\nFor example:\n\n");
	print_example(preset);
}

/* In a table a "|" would end the cell, and inside code only a backslash helps. */
static void print_cell(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		printf(text.ptr[i] == '|' ? "\\|" : "%c", text.ptr[i]);
}

static void print_markdown(const struct preset *preset)
{
	struct text comment = preset_comment(preset->name);
	char limits[96];

	printf("\n## %.*s\n\n%.*s.\n", PRINT(preset->name), PRINT(comment));
	if (preset->hosts.len)
		printf("\nChosen by itself for: `%.*s`.\n", PRINT(preset->hosts));
	if (preset->derives)
		puts("\nWhere there is no conversation, session or task id, a conversation id is made "
		     "([conversation.md](conversation.md)).");
	printf("\n| header | value | limits |\n|---|---|---|\n");
	for (size_t i = 0; i < preset->count; i++) {
		const struct header_rule *row = &preset->headers[i];

		printf("| %s`", row->kind == HEADER_MEMBER ? "... " : "");
		print_cell(row->name);
		printf("` | ");
		if (row->value.len) {
			putchar('`');
			print_cell(row->value);
			putchar('`');
		}
		printf("%s%s | %s |\n", row->kind == HEADER_FANOUT ? ", " : "", kind_name(row->kind),
		       limits_text(row, limits, sizeof(limits)));
	}
	putchar('\n');
	print_example(preset);
}

static void print_page(void)
{
	puts("# Relays and their headers\n\n"
	     "Made by `tagalong presets --markdown` from `shim/presets`; not to be edited. For each "
	     "relay: its\ndocumentation, what is sent, and what that comes to for the context of "
	     "`T-42`. A header without a\nvalue is left out, and so is a member. The preset is the one "
	     "whose hosts the request goes to, unless\n`--preset` or the configuration names another; "
	     "for any other host it is `generic`.");
	for (size_t i = 0; i < preset_count(); i++) {
		struct preset preset;

		preset_at(i, &preset);
		print_markdown(&preset);
	}
}

static void print_all(void)
{
	for (size_t i = 0; i < preset_count(); i++) {
		struct preset preset;
		struct text comment;

		preset_at(i, &preset);
		comment = preset_comment(preset.name);
		if (comment.len > COMMENT_BYTES)
			comment.len = COMMENT_BYTES;
		printf("  %-12.*s %.*s\n", PRINT(preset.name), PRINT(comment));
	}
}

enum { OPT_MARKDOWN = 1 };

static const struct command_option options[] = {
	{ "markdown", NULL, "all of them, as docs/relays.md", WORD_FREE, OPT_MARKDOWN, 0 },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct preset preset;
	bool markdown = false;
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE)
		markdown = markdown || option == OPT_MARKDOWN;
	if (option == OPTION_DONE)
		return code;
	if (argc - optind > !markdown)
		return usage_error(command, "\"%s\" is one argument too many", argv[argc - 1]);
	if (optind == argc) {
		(markdown ? print_page : print_all)();
		return EXIT_OK;
	}
	if (preset_find(text_of(argv[optind]), &preset)) {
		report_error("there is no preset \"%s\"; tagalong presets lists them", argv[optind]);
		return EXIT_NOTHING;
	}
	print_preset(&preset);
	return EXIT_OK;
}

const struct command command_presets = {
	.name = "presets",
	.operands = "[NAME]",
	.summary = "List the presets, or print the headers that one sends.",
	.options = options,
	.about = "",
	.examples = "tagalong presets litellm",
	.word = WORD_PRESET,
	.run = run,
};
