// SPDX-License-Identifier: MIT
/* What is said of the commands, made of their tables: --help for a screen. */
#include "cli/help.h"

#include <string.h>

#include "lib/text.h"

#define COLUMNS 80

/* Prints words from `column` on, further lines from `indent` on; ends the line. */
static void print_wrapped(FILE *out, const char *words, size_t column, size_t indent)
{
	bool first = true;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (!first && column + 1 + len > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(words, 1, len, out);
		column += len;
		words += len + (words[len] == ' ');
		first = false;
	}
	fputc('\n', out);
}

static void print_paragraphs(FILE *out, const char *text)
{
	char paragraph[1024];

	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);

		snprintf(paragraph, sizeof(paragraph), "%.*s", (int)len, text);
		print_wrapped(out, paragraph, 0, 0);
		text += end ? len + 2 : len;
		if (*text)
			fputc('\n', out);
	}
}

static void print_lines(FILE *out, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		fprintf(out, "  %.*s\n", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

/* "get|set|unset" */
static void add_verbs(char *words, size_t size, const struct command_verb *verb)
{
	const char *separator = " ";

	for (; verb && verb->name; verb++) {
		size_t len = strlen(words);

		snprintf(words + len, size - len, "%s%s", separator, verb->name);
		separator = "|";
	}
}

void print_usage(FILE *out, const struct command *command)
{
	char words[512];
	size_t start, len;

	snprintf(words, sizeof(words), "tagalong %s", command->name);
	add_verbs(words, sizeof(words), command->verbs);
	start = strlen(words);
	for (const struct command_option *row = command->options; row && row->name; row++) {
		len = strlen(words);
		snprintf(words + len, sizeof(words) - len, " [--%s%s%s]", row->name,
			 row->argument ? " " : "", row->argument ? row->argument : "");
	}
	/* What does not fit one line is told by the list below it. */
	if (sizeof("usage: ") + strlen(words) + strlen(command->operands) > COLUMNS)
		snprintf(words + start, sizeof(words) - start, " [OPTION...]");
	len = strlen(words);
	snprintf(words + len, sizeof(words) - len, "%s%s", command->operands[0] ? " " : "",
		 command->operands);
	fputs("usage: ", out);
	print_wrapped(out, words, sizeof("usage: ") - 1, sizeof("usage: ") - 1);
}

/* "-f, --follow", "--task ID" */
static int option_words(char *words, size_t size, const struct command_option *row)
{
	return snprintf(words, size, "%s%.1s%s--%s%s%s", row->letter ? "-" : "", &row->letter,
			row->letter ? ", " : "", row->name, row->argument ? " " : "",
			row->argument ? row->argument : "");
}

static void print_row(const char *words, size_t width, const char *help)
{
	printf("  %-*s  ", (int)width, words);
	print_wrapped(stdout, help, width + 4, width + 4);
}

static void print_verbs(const struct command_verb *verbs)
{
	char words[64];
	size_t width = 0;

	for (const struct command_verb *verb = verbs; verb->name; verb++) {
		size_t len = strlen(verb->name) + strlen(verb->arguments) + !!verb->arguments[0];

		width = len > width ? len : width;
	}
	putchar('\n');
	for (const struct command_verb *verb = verbs; verb->name; verb++) {
		snprintf(words, sizeof(words), "%s%s%s", verb->name, verb->arguments[0] ? " " : "",
			 verb->arguments);
		print_row(words, width, verb->help);
	}
}

static void print_options(const struct command_option *options)
{
	char words[64];
	size_t width = 0;

	for (const struct command_option *row = options; row->name; row++) {
		size_t len = (size_t)option_words(words, sizeof(words), row);

		width = len > width ? len : width;
	}
	putchar('\n');
	for (const struct command_option *row = options; row->name; row++) {
		option_words(words, sizeof(words), row);
		print_row(words, width, row->help);
	}
}

int print_help(const struct command *command)
{
	print_usage(stdout, command);
	putchar('\n');
	print_wrapped(stdout, command->summary, 0, 0);
	if (command->verbs)
		print_verbs(command->verbs);
	if (command->options)
		print_options(command->options);
	if (command->about[0]) {
		putchar('\n');
		print_paragraphs(stdout, command->about);
	}
	if (command->examples[0]) {
		putchar('\n');
		print_lines(stdout, command->examples);
	}
	return EXIT_OK;
}
