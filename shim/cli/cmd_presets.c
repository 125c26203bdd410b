// SPDX-License-Identifier: MIT
/* tagalong presets: the names, or the headers that one sends as a table, with an example that is
 * made by the core as it makes a request's. */
#include "cli/presets.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "core/context.h"
#include "core/preset.h"
#include "core/request.h"

#define PRINT(text) (int)(text).len, (text).ptr

/* The context of the examples. */
static bool example_value(void *arg, struct text name, struct text *ret_value)
{
	static const char *const examples[] = {
#define EXAMPLE(constant, name, variable, what, example) example,
		FIELDS(EXAMPLE)
	};
	enum field field = field_by_name(name);

	if (field < FIELD_COUNT)
		*ret_value = text_of(examples[field]);
	else if (text_eq(name, TEXT("request_id")))
		*ret_value = TEXT("0192d3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d");
	else
		return false;
	return true;
}

void preset_print_example(const struct preset *preset)
{
	struct lines_recipe recipe = {
		.preset = preset->headers,
		.preset_count = preset->count,
		.max = LINES_MAX,
		.lookup = example_value,
	};
	struct tag_lines *lines = malloc(sizeof(*lines) + LINES_BYTES_MAX + 1);

	if (!lines)
		return;
	lines_build(&recipe, (char *)(lines + 1), lines);
	for (size_t i = 0; i < lines->count; i++)
		printf("    %.*s\n", PRINT(tag_line_text(lines, i)));
	free(lines);
}

const char *preset_kind_text(enum header_kind kind)
{
	static const char *const texts[] = {
		[HEADER_TEXT] = "",
		[HEADER_JSON] = "one JSON object",
		[HEADER_BAGGAGE] = "W3C baggage",
		[HEADER_LIST] = "key:value, comma separated",
		[HEADER_FANOUT] = "one header per tag",
		[HEADER_MEMBER] = "",
		[HEADER_OMIT] = "left out",
	};

	return texts[kind];
}

const char *preset_limits_text(const struct header_rule *row, char *memory, size_t size)
{
	int used = 0;

	memory[0] = '\0';
	if (row->max_members)
		used = snprintf(memory, size, "at most %u members", row->max_members);
	if (row->max_value)
		used += snprintf(memory + used, size - (size_t)used, "%s%u bytes per value",
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
		printf("Used by default for: %.*s\n", PRINT(preset->hosts));
	putchar('\n');
	for (size_t i = 0; i < preset->count; i++) {
		const struct header_rule *row = &preset->headers[i];
		bool member = row->kind == HEADER_MEMBER;

		printf(member ? "    %-28.*s" : "  %-30.*s", PRINT(row->name));
		printf(" %.*s", PRINT(row->value));
		if (!row->value.len)
			printf("(%s)", preset_kind_text(row->kind));
		preset_limits_text(row, limits, sizeof(limits));
		printf("%s%s\n", limits[0] ? "  " : "", limits);
	}
	printf("\nFor example:\n\n");
	preset_print_example(preset);
}

static void print_all(void)
{
	for (size_t i = 0; i < preset_count(); i++) {
		struct preset preset;

		preset_at(i, &preset);
		if (preset.hosts.len)
			printf("  %-12.*s used by default for %.*s\n", PRINT(preset.name),
			       PRINT(preset.hosts));
		else if (text_eq(preset.name, TEXT("generic")))
			printf("  %-12.*s used by default for all other relays\n",
			       PRINT(preset.name));
		else
			printf("  %-12.*s used when it is named\n", PRINT(preset.name));
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct preset preset;

	next_option(command, argc, argv);
	if (argc - optind > 1)
		usage_error(command, "too many arguments: %s", argv[argc - 1]);
	if (optind == argc) {
		print_all();
		return EXIT_OK;
	}
	if (preset_find(text_of(argv[optind]), &preset))
		die(EXIT_NOTHING, "unknown preset \"%s\" (see tagalong presets)", argv[optind]);
	print_preset(&preset);
	return EXIT_OK;
}

const struct command command_presets = {
	.name = "presets",
	.operands = "[NAME]",
	.summary = "List the presets, or print the headers that one sends.",
	.about = "The exit code is 1 when there is no preset of that name.",
	.examples = "tagalong presets litellm",
	.word = WORD_PRESET,
	.run = run,
};
