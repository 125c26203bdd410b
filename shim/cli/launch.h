/* SPDX-License-Identifier: MIT */
/* How a program is started with Tagalong: the options that say what its requests are tagged with,
 * where the library is, and how it gets into the program. Everything goes into the environment. */
#pragma once

#include "cli/command.h"
#include "lib/limits.h"

enum {
	OPT_TASK = 1,
	OPT_CONVERSATION,
	OPT_PROJECT,
	OPT_SET,
	OPT_RELAY,
	OPT_PRESET,
	OPT_NO_SERVICE,
	OPT_DEBUG,
};

/* Options of run, wrap, explain and headers. */
/* clang-format off */
#define OVERRIDE_OPTIONS \
	{ "task", "ID", "the current task", .value = OPT_TASK }, \
	{ "conversation", "ID", "the current conversation", .value = OPT_CONVERSATION }, \
	{ "project", "ID", "the project (default: the name of the git origin)", \
	  .value = OPT_PROJECT }, \
	{ "set", "FIELD=VALUE", "any context field (repeatable)", WORD_PAIR, .value = OPT_SET }, \
	{ "relay", "PATTERN", "tag requests to this relay (repeatable; default: loopback)", \
	  .value = OPT_RELAY }, \
	{ "preset", "NAME", "whose headers to send (see tagalong presets)", WORD_PRESET, \
	  .value = OPT_PRESET }
/* clang-format on */
/* And of run and wrap alone. */
/* clang-format off */
#define LAUNCH_OPTIONS \
	OVERRIDE_OPTIONS, \
	{ "no-service", NULL, "use the environment alone, without a context service", \
	  .value = OPT_NO_SERVICE }, \
	{ "debug", NULL, "print one line on stderr for each decision", .value = OPT_DEBUG }
/* clang-format on */

/* What the options say beside what they put into the environment. Zeroed at first. */
struct launch {
	bool no_service, debug;
	bool has_relay; /* the first --relay replaces an inherited list */
};

/* Checks one of these options and puts it into the environment. A bad value is a usage_error. */
void launch_option(const struct command *command, int option, const char *argument,
		   struct launch *launch);
/* Puts the library into LD_PRELOAD, and the hooks of other runtimes into their variables where they
 * are wanted and installed. Ends the program when there is no library. */
void launch_hooks(void);

/* Fills the variable from which a program that no hook reaches takes headers, if `command` is
 * one. */
void launch_fixed_headers(const char *command);
/* Whether it is one. */
bool launch_has_fixed_headers(const char *command);

/* Becomes tagalong-tools, found beside the library or beside this program, with these arguments
 * behind the program's own path. */
__attribute__((noreturn)) void exec_tools(char **argv);

/* The path of libtagalong.so: $TAGALONG_LIB, else beside this program, else in
 * ../lib/tagalong of its folder, or where distributions have it: ../lib/MULTIARCH/tagalong,
 * ../lib64/tagalong. 0; -ENOENT when there is none; -EINVAL when the path has a space or a colon,
 * which separate the entries of LD_PRELOAD. *ret_path is what was found, or looked for last. */
int library_path(char ret_path[PATH_BYTES_MAX]);
/* Whether LD_PRELOAD gets it with $LIB in place of its folder: glibc's loader takes that for the
 * folder of the program's class, musl's loader knows no such thing, and finds nothing. */
bool library_has_lib_token(const char *path);
/* Calls with each libtagalong.so for programs of other classes and machines beside the one at
 * `path`, where that is in Debian's place and $LIB leads to all of them. */
void library_others(const char *path, void (*on_other)(void *arg, const char *path), void *arg);
/* The path of a file in the folder "hooks" beside the library. 0; -ENOENT. */
int hook_path(const char *name, char ret_path[PATH_BYTES_MAX]);

/* Whether TAGALONG_HOOKS, which lists hooks by name, allows this one. */
bool hook_wanted(const char *name);
/* Hooks that a runtime loads because a variable names them. */
enum runtime_hook { RUNTIME_NODE, RUNTIME_BUN, RUNTIME_PYTHON, RUNTIME_HOOKS };
/* Whether TAGALONG_HOOKS allows the hook and its file is there; *ret_path is what the variable is to
 * name then. */
bool runtime_hook(enum runtime_hook hook, char ret_path[PATH_BYTES_MAX]);

/* Opens a scope for this process, and so for the command that it becomes: with what the fields'
 * variables say, which then leave the environment, so that a later `context set` has effect; those
 * of the W3C trio stay for other tools. TAGALONG_SCOPE names the scope. Starts a service when there
 * is none and the run-time folder exists.
 *
 * `parent` names a scope that it will be in, opened where it is not there; NULL: the one that this
 * process is in.
 *
 * When that cannot be done everything is as it was: the environment alone serves. `reports`: prints
 * why, on stderr. */
void scope_open(const char *parent, bool reports);
