// SPDX-License-Identifier: MIT
/* tagalong presets: what there is, and what one sends. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "headers/preset.h"

#define PRINT(text) (int)(text).len, (text).ptr
/* Of a comment in the list: one line of a wide terminal. `presets NAME` prints all of it. */
#define COMMENT_BYTES 100

static struct text text_until(struct text text, size_t bytes)
{
	return (struct text){ text.ptr, text.len < bytes ? text.len : bytes };
}

static void print_limits(const struct spec *spec)
{
	if (spec->max_members)
		printf("  at most %u members", spec->max_members);
	if (spec->max_value)
		printf("  at most %u bytes a value", spec->max_value);
	putchar('\n');
}

static const char *kind_name(enum spec_kind kind)
{
	switch (kind) {
	case SPEC_JSON:
		return "(one JSON object)";
	case SPEC_BAGGAGE:
		return "(W3C baggage)";
	case SPEC_LIST:
		return "(key:value, comma separated)";
	case SPEC_TEXT:
	case SPEC_FANOUT:
	case SPEC_OMIT:
	case SPEC_MEMBER:
		break;
	}
	return "";
}

static void print_preset(const struct preset *preset)
{
	printf("%.*s\n%.*s\n", PRINT(preset->name), PRINT(preset->comment));
	if (preset->hosts.len)
		printf("Chosen by itself for: %.*s\n", PRINT(preset->hosts));
	putchar('\n');
	for (size_t i = 0; i < preset->count; i++) {
		const struct spec *spec = &preset->specs[i];

		if (spec->kind == SPEC_MEMBER)
			printf("    %-24.*s %.*s\n", PRINT(spec->name), PRINT(spec->value));
		else if (spec->value.len)
			printf("  %-26.*s %.*s", PRINT(spec->name), PRINT(spec->value));
		else
			printf("  %-26.*s %s", PRINT(spec->name), kind_name(spec->kind));
		if (spec->kind != SPEC_MEMBER)
			print_limits(spec);
	}
}

static void print_all(void)
{
	for (size_t i = 0; i < preset_count(); i++) {
		struct preset preset;

		preset_at(i, &preset);
		printf("  %-12.*s %.*s\n", PRINT(preset.name),
		       PRINT(text_until(preset.comment, COMMENT_BYTES)));
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct preset preset;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return print_help(command);
	if (argc > 1 && argv[1][0] == '-')
		return usage_error(command, "\"%s\" is not understood", argv[1]);
	if (argc > 2)
		return usage_error(command, "\"%s\" is one argument too many", argv[2]);
	if (argc == 1) {
		print_all();
		return EXIT_OK;
	}
	if (preset_find(text_of(argv[1]), &preset)) {
		complain("there is no preset \"%s\"; tagalong presets lists them", argv[1]);
		return EXIT_NOTHING;
	}
	print_preset(&preset);
	return EXIT_OK;
}

const struct command command_presets = {
	.name = "presets",
	.arguments = "[NAME]",
	.summary = "List the presets, or print the headers that one sends.",
	.help = "  tagalong presets litellm\n",
	.run = run,
};
