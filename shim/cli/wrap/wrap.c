// SPDX-License-Identifier: MIT
/* tagalong wrap and unwrap: a launcher in front of a program, kept across reboots and upgrades. */
#include "cli/wrap/wrap.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/variables.h"
#include "cli/launch.h"
#include "cli/program.h"
#include "lib/chars.h"
#include "cli/wrap/desktop.h"
#include "cli/wrap/launcher.h"
#include "cli/wrap/own_file.h"

enum { OPT_BIN_DIR = OPT_OWN, OPT_LIST };

struct call {
	char folder[PATH_BYTES_MAX]; /* where launchers are, absolute */
	char path[PATH_BYTES_MAX]; /* of this one */
	struct launcher launcher;
};

/* An exit code. */
static int take_folder(const struct command *command, const char *named, struct call *call)
{
	const char *home = variable_get_named("HOME");
	char here[PATH_BYTES_MAX] = "";
	int len;

	if (!named && (!home || home[0] != '/'))
		return usage_error(command, "HOME is no absolute path; --bin-dir names another folder");
	if (named && named[0] != '/' && !getcwd(here, sizeof(here)))
		return usage_error(command, "the current folder cannot be told: %s", strerror(errno));
	len = named ? snprintf(call->folder, sizeof(call->folder), "%s%s%s", here, here[0] ? "/" : "",
			       named) :
		      snprintf(call->folder, sizeof(call->folder), "%s/.local/bin", home);
	if (len >= (int)sizeof(call->folder))
		return usage_error(command, "the folder's path is too long");
	while (len > 1 && call->folder[len - 1] == '/')
		call->folder[--len] = '\0';
	for (const char *at = call->folder; *at; at++) {
		if (char_is_control(*at))
			return usage_error(command, "the folder's name has a control character");
	}
	return EXIT_OK;
}

/* The launcher's name and path, from what was asked for. An exit code. */
static int take_name(const struct command *command, const char *asked, struct call *call)
{
	const char *name = program_name(asked);

	for (const char *at = asked; *at; at++) {
		if (char_is_control(*at))
			return usage_error(command, "the command's name has a control character");
	}
	if (!name[0] || strlen(name) >= sizeof(call->launcher.name))
		return usage_error(command, "\"%s\" is no command", asked);
	memcpy(call->launcher.name, name, strlen(name) + 1);
	if (snprintf(call->path, sizeof(call->path), "%s/%s", call->folder, name) >=
	    (int)sizeof(call->path))
		return usage_error(command, "the launcher's path is too long");
	return EXIT_OK;
}

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;

	return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Finds the program. A path of one's own is written down; a launcher's path means its name. */
static int take_program(const char *asked, struct call *call, char real[PATH_BYTES_MAX])
{
	char here[PATH_BYTES_MAX] = "";

	if (strchr(asked, '/') && !launcher_is(asked)) {
		/* Not what a symlink leads to: a program may look at the name that it is called by. */
		if (asked[0] != '/' && !getcwd(here, sizeof(here)))
			here[0] = '\0';
		if (snprintf(call->launcher.real, sizeof(call->launcher.real), "%s%s%s",
			     asked[0] == '/' ? "" : here, asked[0] == '/' ? "" : "/", asked) >=
		    (int)sizeof(call->launcher.real)) {
			report_error("%s: the path is too long", asked);
			return EXIT_NOTHING;
		}
	}
	if (!launcher_real(&call->launcher, real, PATH_BYTES_MAX) ||
	    (call->launcher.real[0] && strcmp(real, call->launcher.real) != 0)) {
		report_error("%s: there is no such program", asked);
		return EXIT_NOTHING;
	}
	if (program_is_appimage(real)) {
		report_error("%s is an AppImage: it brings its own libraries, and starts what is inside by "
			 "itself. Unpack it (%s --appimage-extract) and wrap the program inside.",
			 real, real);
		return EXIT_NOTHING;
	}
	if (!strcmp(call->launcher.name, "tagalong") ||
	    !strcmp(call->launcher.name, "tagalong-run")) {
		report_error("%s is what launchers start", real);
		return EXIT_NOTHING;
	}
	if (same_file(real, call->path)) {
		report_error("%s is the program itself; --bin-dir names another folder for the launcher",
			 real);
		return EXIT_NOTHING;
	}
	return EXIT_OK;
}

static void told_wrapped(const char *path, const char *reason)
{
	if (reason)
		report_error("%s stays as it is: %s", path, reason);
	else
		printf("desktop entry: %s\n", path);
}

static void told_unwrapped(const char *path, const char *reason)
{
	if (reason)
		report_error("%s: %s", path, reason);
	else
		printf("removed %s\n", path);
}

/* Says when a shell would still start something else by this name. */
static void check_path(const struct call *call)
{
	char found[PATH_BYTES_MAX];

	if (program_find(call->launcher.name, NULL, found, sizeof(found)) &&
	    same_file(found, call->path))
		return;
	printf("%s is not ahead in PATH: \"%s\" still starts %s. Put the folder first:\n"
	       "  export PATH=\"%s:$PATH\"\n",
	       call->folder, call->launcher.name, found, call->folder);
}

static int make_launcher(const struct command *command, const char *asked, struct call *call)
{
	char tagalong[PATH_BYTES_MAX], real[PATH_BYTES_MAX];
	ssize_t len = readlink("/proc/self/exe", tagalong, sizeof(tagalong) - 1);
	int result = take_name(command, asked, call);

	if (result == EXIT_OK)
		result = take_program(asked, call, real);
	if (result != EXIT_OK)
		return result;
	tagalong[len > 0 ? len : 0] = '\0';
	result = own_folder_make(call->folder);
	if (!result)
		result = launcher_write(call->path, &call->launcher, tagalong);
	if (result == -EEXIST) {
		report_error("%s is there, and was not made by tagalong wrap; it stays as it is",
			 call->path);
		return EXIT_NOTHING;
	}
	if (result) {
		report_error("%s: %s", call->path, strerror(-result));
		return EXIT_TROUBLE;
	}
	printf("launcher: %s\nit starts: tagalong run %s-- %s\n", call->path, call->launcher.options,
	       real);
	desktop_wrap(call->launcher.name, call->path, told_wrapped);
	check_path(call);
	return EXIT_OK;
}

static void list_one(const struct call *call, const char *name)
{
	char path[PATH_BYTES_MAX], real[PATH_BYTES_MAX];
	struct launcher launcher;

	if (snprintf(path, sizeof(path), "%s/%s", call->folder, name) >= (int)sizeof(path) ||
	    !launcher_read(path, &launcher))
		return;
	printf("%-16s %-32s %s\n", name,
	       launcher_real(&launcher, real, sizeof(real)) ? real : "(not there any more)",
	       launcher.options ? launcher.options : "");
	launcher_release(&launcher);
}

static int list(const struct call *call)
{
	struct dirent **entries;
	int count = scandir(call->folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		list_one(call, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return EXIT_OK;
}

/* Writes an option down as it was given, for a shell. */
static bool note_option(FILE *out, const char *name, const char *argument)
{
	char *quoted = argument ? shell_quote(argument) : NULL;

	if (argument && !quoted)
		return false;
	fprintf(out, "--%s %s%s", name, quoted ? quoted : "", quoted ? " " : "");
	free(quoted);
	return true;
}

static const struct command_option wrap_options[] = {
	LAUNCH_OPTIONS,
	{ "bin-dir", "DIR", "where the launcher is put; ~/.local/bin by default", WORD_FOLDER,
	  OPT_BIN_DIR, 0 },
	{ "list", NULL, "the launchers that are there, and what they start", WORD_FREE, OPT_LIST, 0 },
	{ 0 },
};

static int wrap_with(const struct command *command, int argc, char **argv, FILE *noted,
		     struct call *call)
{
	const char *folder = NULL;
	struct launch launch = { 0 };
	int option = OPTION_END, code = EXIT_OK;
	bool listed = false;

	while (code == EXIT_OK && (option = next_option(command, argc, argv, &code)) > OPTION_DONE) {
		if (option == OPT_BIN_DIR)
			folder = optarg;
		else if (option == OPT_LIST)
			listed = true;
		else
			code = launch_option(command, option, optarg, &launch);
		if (option < OPT_OWN && !note_option(noted, option_of(command, option)->name, optarg))
			code = EXIT_TROUBLE;
	}
	if (option == OPTION_DONE)
		return code;
	if (code == EXIT_OK)
		code = take_folder(command, folder, call);
	fflush(noted);
	if (code != EXIT_OK)
		return code;
	if (argc - optind != !listed)
		return usage_error(command, "one command is wanted, or --list; its arguments are given "
					    "when it is started");
	return listed ? list(call) : make_launcher(command, argv[optind], call);
}

static int wrap(const struct command *command, int argc, char **argv)
{
	struct call call = { .launcher.name = "" };
	size_t size;
	FILE *noted = open_memstream(&call.launcher.options, &size);
	int code = EXIT_TROUBLE;

	if (noted) {
		code = wrap_with(command, argc, argv, noted, &call);
		fclose(noted);
	}
	launcher_release(&call.launcher);
	return code;
}

static int take_back(struct call *call)
{
	struct stat status;

	if (lstat(call->path, &status) < 0 || !S_ISREG(status.st_mode) || !launcher_is(call->path)) {
		report_error("%s is no launcher of tagalong wrap", call->path);
		return EXIT_NOTHING;
	}
	if (unlink(call->path) < 0) {
		report_error("%s: %s", call->path, strerror(errno));
		return EXIT_TROUBLE;
	}
	told_unwrapped(call->path, NULL);
	desktop_unwrap(call->path, told_unwrapped);
	return EXIT_OK;
}

static const struct command_option unwrap_options[] = {
	{ "bin-dir", "DIR", "where the launcher is; ~/.local/bin by default", WORD_FOLDER,
	  OPT_BIN_DIR, 0 },
	{ 0 },
};

static int unwrap(const struct command *command, int argc, char **argv)
{
	struct call call = { .launcher.name = "" };
	const char *folder = NULL;
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE) {
		if (option == OPT_BIN_DIR)
			folder = optarg;
	}
	if (option == OPTION_DONE)
		return code;
	if (argc - optind != 1)
		return usage_error(command, "one command is wanted");
	code = take_folder(command, folder, &call);
	if (code == EXIT_OK)
		code = take_name(command, argv[optind], &call);
	return code == EXIT_OK ? take_back(&call) : code;
}

const struct command command_wrap = {
	.name = "wrap",
	.operands = "[COMMAND]",
	.summary = "Make a launcher that always starts a command through tagalong run.",
	.options = wrap_options,
	.about = "The launcher gives the options of tagalong run to it. A desktop entry of the command "
		 "is copied to ~/.local/share/applications, and starts the launcher. Nothing that "
		 "wrap did not write is overwritten. The launcher looks for the command in PATH when it "
		 "is started, but for one given with a path. Without tagalong it starts the command as "
		 "it is.\n\n"
		 "The exit code is 1 when the command cannot be wrapped, 2 for a bad call.",
	.examples = "tagalong wrap --relay https://relay.example.com emacs",
	.word = WORD_PROGRAM,
	.run = wrap,
};

const struct command command_unwrap = {
	.name = "unwrap",
	.operands = "COMMAND",
	.summary = "Take back what tagalong wrap made.",
	.options = unwrap_options,
	.about = "The exit code is 1 when there is no such launcher, 2 for a bad call.",
	.examples = "tagalong unwrap emacs",
	.word = WORD_LAUNCHER,
	.run = unwrap,
};
