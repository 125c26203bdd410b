/* SPDX-License-Identifier: MIT */
/* What a subcommand is: one row, and mostly one file. */
#ifndef TAGALONG_CLI_COMMAND_H
#define TAGALONG_CLI_COMMAND_H

#include <stddef.h>

/* Exit codes. EXIT_NOTHING: the question was answered, and the answer is no. 126 and 127 are the
 * shell's for a command that cannot be run (POSIX, Shell Command Language, 2.8.2). */
enum {
	EXIT_OK = 0,
	EXIT_NOTHING = 1,
	EXIT_USAGE = 2,
	EXIT_TROUBLE = 3,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/* What a word of a call is: completions offer what it may be. */
enum word {
	WORD_FREE, /* nobody knows */
	WORD_FIELD, /* task_id */
	WORD_PAIR, /* task_id=VALUE */
	WORD_PRESET,
	WORD_SCOPE,
	WORD_AGENT,
	WORD_LAUNCHER,
	WORD_BY, /* what tagalong log counts by */
	WORD_FILE,
	WORD_FOLDER,
	WORD_PROGRAM,
	WORD_CALL, /* a program, and its own arguments behind it */
};

/* One option. The tables are the one truth: next_option() takes what is in them and nothing else,
 * --help, the manual and the completions are made of them. */
struct command_option {
	const char *name; /* without the dashes */
	const char *argument; /* "ID"; NULL when it takes none */
	const char *help;
	enum word word; /* what the argument is */
	int value; /* what next_option gives for it: above 0 */
	char letter; /* "-f"; mostly none */
};

/* One verb of a command that has some: tagalong context get. */
struct command_verb {
	const char *name;
	const char *arguments; /* "FIELD...", or "" */
	const char *help;
	enum word word; /* what the arguments are */
};

struct command {
	const char *name;
	const char *operands; /* "COMMAND [ARG...]", or "" */
	const char *summary; /* one line */
	const struct command_verb *verbs; /* up to one without a name; NULL when there are none */
	const struct command_option *options; /* the same */
	const char *about; /* paragraphs, an empty line between them */
	const char *examples; /* lines */
	enum word word; /* what the operands are, where there are no verbs */
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(const struct command *command, int argc, char **argv);
};

/* Says what is wrong with the call and where to look, on stderr; EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const struct command *command,
						      const char *format, ...);
/* Any other trouble: "tagalong: ..." on stderr. */
__attribute__((format(printf, 1, 2))) void report_error(const char *format, ...);
/* What next_option gives behind the last option, and when the call is over: --help was printed, or
 * the fault was said. */
enum { OPTION_END = -1, OPTION_DONE = 0 };
/* The next option's value; optarg and optind are getopt's. Options may stand between operands, but
 * not behind a program, whose own they are. With OPTION_DONE *ret_code is the exit code. */
int next_option(const struct command *command, int argc, char **argv, int *ret_code);
/* The row of an option by its value. */
const struct command_option *option_of(const struct command *command, int value);

#endif
