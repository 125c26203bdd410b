/* SPDX-License-Identifier: MIT */
/* The subcommands: one row and one file each. */
#ifndef TAGALONG_CLI_COMMAND_H
#define TAGALONG_CLI_COMMAND_H

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

struct command {
	const char *name;
	const char *arguments; /* "[--json] URL" */
	const char *summary; /* one line */
	const char *help; /* the rest of its --help: options and an example */
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_run, command_context, command_serve, command_explain,
	command_headers, command_config, command_presets, command_agents, command_version;
extern const struct command command_log, command_wrap, command_unwrap, command_doctor;

/* Says what is wrong with the call and where to look, on stderr; EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const struct command *command,
						      const char *format, ...);
/* Any other trouble: "tagalong: ..." on stderr. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
/* The command's --help on stdout. */
int print_help(const struct command *command);

#endif
