/* SPDX-License-Identifier: MIT */
/* A command is a name in COMMANDS and a file with a `struct command`. Options are parsed, and
 * --help, the manual and the completions are made, from that table alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/context.h"
#include "lib/text.h"

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

/* What an argument is: completions offer what it may be. */
enum word {
	WORD_FREE, /* anything */
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

struct command_option {
	const char *name; /* without the dashes */
	const char *argument; /* "ID"; NULL when it takes none */
	const char *help;
	enum word word; /* what the argument is */
	int value; /* what next_option returns for it; 0: it is put where one of these points to */
	bool *flag;
	const char **text;
	char letter; /* "-f"; mostly none */
};

/* tagalong context get */
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

/* All commands, in the order of help: command_run in cmd_run.c and so on. */
/* clang-format off */
#define COMMANDS(X) \
	X(run) X(context) X(serve) X(explain) X(headers) X(config) X(presets) X(agents) X(log) \
	X(wrap) X(unwrap) X(doctor) X(version)
/* clang-format on */
#define COMMAND_EXTERN(name) extern const struct command command_##name;
COMMANDS(COMMAND_EXTERN)
#undef COMMAND_EXTERN

/* The command of that name, or NULL; the command at an index, NULL behind the last. */
const struct command *command_find(const char *name);
const struct command *command_at(size_t index);

/* The next option that has a value, OPTION_END behind the last; optarg and optind are getopt's.
 * Options may stand between operands, but not behind a program, whose own they are. --help and a bad
 * option end the program. */
enum { OPTION_END = -1 };
int next_option(const struct command *command, int argc, char **argv);
/* The row of an option by its value; NULL when there is none. */
const struct command_option *option_of(const struct command *command, int value);

/* The command's --help on stdout. EXIT_OK. */
int print_help(const struct command *command);

/* "tagalong: ..." on stderr. */
__attribute__((format(printf, 1, 2))) void report_error(const char *format, ...);
/* The same, and exit. */
__attribute__((noreturn, format(printf, 2, 3))) void die(int code, const char *format, ...);
/* "tagalong run: ..." on stderr, the usage, and exit with EXIT_USAGE. */
__attribute__((noreturn, format(printf, 2, 3))) void usage_error(const struct command *command,
								 const char *format, ...);
/* The context field of this name; any other is a usage_error. */
enum field field_argument(const struct command *command, struct text name);

/* Without memory these end the program with EXIT_TROUBLE. array_grow makes space for one element
 * more behind `count` elements of `size` bytes. */
void *array_grow(void *array, size_t count, size_t size);
char *text_copy(struct text text);
__attribute__((format(printf, 1, 2))) char *text_format(const char *format, ...);

/* "90s", "15m", "2h", "3d", or so many seconds: at most `max`. False for anything else. */
bool parse_duration(struct text text, unsigned long max, uint64_t *ret_seconds);

/* Replaces each character that could steer a terminal by "?", in place: control characters (C0 but
 * TAB, DEL, C1), bidirectional controls, and bytes that are no UTF-8. Returns `text`. */
char *make_printable(char *text);

/* What may stand at the end of an unfinished call, for the shells' completions. `words` are those
 * behind "tagalong", the unfinished one last. Prints one candidate per line, with a TAB and a
 * description where there is one. Lines with a colon in front are for the shell: ":file", ":folder",
 * and ":command N" when the words from N on (the first is 0) are another program's command line.
 * Reports no error, and ends within a second. EXIT_OK. */
int complete(int count, char **words);
/* The words of tagalong log --by, one after the other; NULL behind the last. */
const char *log_by_word(size_t index);

/* What is behind the last slash. */
const char *program_name(const char *path);

/* The path of the command as a user starts it, which for tagalong-tools is that of `tagalong`.
 * Empty when it cannot be found out. set_program_path is for main. */
const char *program_path(void);
void set_program_path(const char *path);
