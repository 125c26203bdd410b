// SPDX-License-Identifier: MIT
/* The tagalong command: one table of subcommands. */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
	&command_run,
	&command_context,
	&command_serve,
	&command_explain,
	&command_headers,
	&command_config,
	&command_presets,
	&command_agents,
	&command_log,
	&command_wrap,
	&command_unwrap,
	&command_doctor,
	&command_version,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void complain(const char *format, ...)
{
	va_list list;

	fputs("tagalong: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

int usage_error(const struct command *command, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "tagalong %s: ", command->name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\nusage: tagalong %s %s\nTry: tagalong %s --help\n", command->name,
		command->arguments, command->name);
	return EXIT_USAGE;
}

int print_help(const struct command *command)
{
	printf("usage: tagalong %s %s\n\n%s\n", command->name, command->arguments,
	       command->summary);
	if (command->help[0])
		printf("\n%s", command->help);
	return EXIT_OK;
}

static void print_overview(FILE *out)
{
	fputs("Tagalong tells an LLM relay what each request is for, from programs that nobody can "
	      "change.\n\nusage: tagalong COMMAND [ARG...]\n\n",
	      out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nExample:\n"
	      "  tagalong run --task T-42 -- curl -d @chat.json "
	      "http://localhost:8090/v1/chat/completions\n\n"
	      "tagalong COMMAND --help tells more.\n",
	      out);
}

static const struct command *find(const char *name)
{
	if (!strcmp(name, "--version"))
		return &command_version;
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		command = argc > 2 ? find(argv[2]) : NULL;
		if (command)
			return print_help(command);
		print_overview(stdout);
		return EXIT_OK;
	}
	command = find(argv[1]);
	if (!command) {
		complain("there is no command \"%s\"; try: tagalong --help", argv[1]);
		return EXIT_USAGE;
	}
	return command->run(command, argc - 1, argv + 1);
}
