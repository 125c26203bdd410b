// SPDX-License-Identifier: MIT
/* Options and help: getopt is called here alone, and everything that is printed about a command is
 * made from its table. */
#include "cli/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"

#define COLUMNS 80
/* More than any command has. */
#define OPTIONS_MAX 30
/* Beyond every letter. */
#define ROW 0x4000

/* Prints words from `column` on, further lines from `indent` on; ends the line. */
static void print_wrapped(FILE *out, struct text words, size_t column, size_t indent)
{
	struct text word;
	bool first = true;

	while (text_next(&words, ' ', &word)) {
		if (!first && column + 1 + word.len > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(word.ptr, 1, word.len, out);
		column += word.len;
		first = false;
	}
	fputc('\n', out);
}

/* "usage: tagalong run ...", at most 80 columns wide. */
static void print_usage(FILE *out, const struct command *command)
{
	char words[512];
	int start, len = snprintf(words, sizeof(words), "tagalong %s", command->name);
	int size = (int)sizeof(words);

	for (const struct command_verb *verb = command->verbs; verb && verb->name; verb++)
		len += snprintf(words + len, (size_t)(size - len), "%c%s",
				verb == command->verbs ? ' ' : '|', verb->name);
	start = len;
	for (const struct command_option *row = command->options; row && row->name; row++)
		len += snprintf(words + len, (size_t)(size - len), " [--%s%s%s]", row->name,
				row->argument ? " " : "", row->argument ? row->argument : "");
	/* Where the options do not fit one line, the list of them says enough. */
	if (sizeof("usage: ") + (size_t)len + strlen(command->operands) > COLUMNS)
		len = start + snprintf(words + start, (size_t)(size - start), " [OPTION...]");
	snprintf(words + len, (size_t)(size - len), "%s%s", command->operands[0] ? " " : "",
		 command->operands);
	fputs("usage: ", out);
	print_wrapped(out, text_of(words), sizeof("usage: ") - 1, sizeof("usage: ") - 1);
}

/* A table of what words mean, aligned. */
static void print_rows(char words[][64], const char *help[], size_t count)
{
	int width = 0;

	if (count)
		putchar('\n');
	for (size_t i = 0; i < count; i++)
		width = (int)strlen(words[i]) > width ? (int)strlen(words[i]) : width;
	for (size_t i = 0; i < count; i++) {
		printf("  %-*s  ", width, words[i]);
		print_wrapped(stdout, text_of(help[i]), (size_t)width + 4, (size_t)width + 4);
	}
}

int print_help(const struct command *command)
{
	struct text about = text_of(command->about), examples = text_of(command->examples), line;
	const struct command_option *option = command->options;
	const struct command_verb *verb = command->verbs;
	const char *help[OPTIONS_MAX];
	char words[OPTIONS_MAX][64];
	size_t count = 0;

	print_usage(stdout, command);
	putchar('\n');
	print_wrapped(stdout, text_of(command->summary), 0, 0);
	for (; verb && verb->name; verb++) {
		/* "get [FIELD...]" */
		snprintf(words[count], sizeof(words[count]), "%s%s%s", verb->name,
			 verb->arguments[0] ? " " : "", verb->arguments);
		help[count++] = verb->help;
	}
	print_rows(words, help, count);
	for (count = 0; option && option->name; option++) {
		/* "-f, --follow" */
		snprintf(words[count], sizeof(words[count]), "%s%.1s%s--%s%s%s",
			 option->letter ? "-" : "", &option->letter, option->letter ? ", " : "",
			 option->name, option->argument ? " " : "",
			 option->argument ? option->argument : "");
		help[count++] = option->help;
	}
	print_rows(words, help, count);
	if (about.len)
		putchar('\n');
	while (text_next(&about, '\n', &line))
		print_wrapped(stdout, line, 0, 0);
	if (examples.len)
		putchar('\n');
	while (text_next(&examples, '\n', &line))
		printf("  %.*s\n", (int)line.len, line.ptr);
	return EXIT_OK;
}

void usage_error(const struct command *command, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "tagalong %s: ", command->name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	print_usage(stderr, command);
	fprintf(stderr, "Try: tagalong %s --help\n", command->name);
	exit(EXIT_USAGE);
}

enum field field_argument(const struct command *command, struct text name)
{
	enum field field = field_by_name(name);
	struct wire_error error;

	if (field < FIELD_COUNT)
		return field;
	wire_error_init(&error);
	wire_error_start(&error, WIRE_BAD_FIELD, TEXT("unknown field "));
	wire_error_quote(&error, name);
	buf_add(&error.message, TEXT("; the fields are: "));
	wire_error_fields(&error);
	usage_error(command, "%s", error.message.data);
}

const struct command_option *option_of(const struct command *command, int value)
{
	const struct command_option *row = command->options;

	while (row && row->name && row->value != value)
		row++;
	return row && row->name ? row : NULL;
}

/* The tables in getopt's shape, with which a long option is ROW and the number of its row. */
static void fill_getopt(const struct command *command, struct option options[OPTIONS_MAX + 2],
			char letters[OPTIONS_MAX * 2 + 5])
{
	const struct command_option *row = command->options;
	int count = 0;

	/* "+": a program's own options are not ours. ":": a missing value is not the same as an
	 * unknown option. */
	if (command->word == WORD_PROGRAM || command->word == WORD_CALL)
		*letters++ = '+';
	*letters++ = ':';
	*letters++ = 'h';
	for (; row && row->name && count < OPTIONS_MAX; row++, count++) {
		options[count] = (struct option){
			row->name,
			row->argument ? required_argument : no_argument,
			NULL,
			ROW + count,
		};
		if (row->letter)
			*letters++ = row->letter;
		if (row->letter && row->argument)
			*letters++ = ':';
	}
	*letters = '\0';
	options[count++] = (struct option){ "help", no_argument, NULL, 'h' };
	options[count] = (struct option){ NULL, 0, NULL, 0 };
}

/* The row of what getopt returns: a letter, or ROW and a number. NULL when there is none. */
static const struct command_option *row_of(const struct command *command, int code)
{
	const struct command_option *row = command->options;

	for (int i = 0; row && row->name; row++, i++) {
		if (code == ROW + i || (code && code == row->letter))
			return row;
	}
	return NULL;
}

/* After getopt returned "?": an unknown letter, an abbreviation of several options, an unknown
 * word, or a value where none is taken. optopt is 0 for words that were not found. */
__attribute__((noreturn)) static void report_unknown(const struct command *command,
						     const char *word)
{
	const struct command_option *row = row_of(command, optopt);
	int len = (int)strcspn(word, "="), matches = 0;

	if (row)
		usage_error(command, "option --%s takes no value", row->name);
	if (optopt == 'h')
		usage_error(command, "option --help takes no value");
	if (optopt)
		usage_error(command, "unknown option -%c", optopt);
	for (row = command->options; row && row->name; row++)
		matches += len > 2 && !strncmp(row->name, word + 2, (size_t)len - 2);
	usage_error(command, "%s option %.*s", matches > 1 ? "ambiguous" : "unknown", len, word);
}

int next_option(const struct command *command, int argc, char **argv)
{
	struct option options[OPTIONS_MAX + 2];
	char letters[OPTIONS_MAX * 2 + 5];
	const struct command_option *row;
	int code;

	fill_getopt(command, options, letters);
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		row = row_of(command, code == ':' ? optopt : code);
		if (code == 'h')
			exit(print_help(command));
		if (code == ':' && row)
			usage_error(command, "option --%s needs a value: %s", row->name,
				    row->argument);
		if (!row || code == '?')
			report_unknown(command, argv[optind - 1]);
		if (row->value)
			return row->value;
		if (row->flag)
			*row->flag = true;
		if (row->text)
			*row->text = optarg;
	}
	return OPTION_END;
}
