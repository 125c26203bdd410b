// SPDX-License-Identifier: MIT
/* tagalong wrap and unwrap: a launcher in front of a program, which survives reboots and
 * upgrades. */
#include "cli/wrap/wrap.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/launch.h"
#include "core/folder.h"
#include "core/variables.h"
#include "lib/chars.h"

/* One launcher. */
struct wrapping {
	char folder[PATH_BYTES_MAX]; /* where launchers are, absolute */
	char path[PATH_BYTES_MAX]; /* of this one */
	struct launcher launcher;
};

static bool has_control(const char *text)
{
	while (*text && !char_is_control(*text))
		text++;
	return *text;
}

/* An absolute path of a path that is relative to the current folder. False when it is too long, or
 * the folder cannot be found out. */
static bool make_absolute(const char *path, char ret_path[PATH_BYTES_MAX])
{
	char here[PATH_BYTES_MAX] = "";

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return false;
	return snprintf(ret_path, PATH_BYTES_MAX, "%s%s%s", here, here[0] ? "/" : "", path) <
	       PATH_BYTES_MAX;
}

/* The folder of launchers; with `asked` the launcher's name and path, too. */
static void place_launcher(const struct command *command, const char *folder, const char *asked,
			   struct wrapping *wrapping)
{
	const char *home = variable_get_named("HOME"), *name = asked ? program_name(asked) : "";
	char standard[PATH_BYTES_MAX] = "";
	size_t len;

	if (!folder && (!home || home[0] != '/'))
		usage_error(command, "HOME is not an absolute path; use --bin-dir");
	if (!folder)
		snprintf(standard, sizeof(standard), "%s/.local/bin", home);
	if (!make_absolute(folder ? folder : standard, wrapping->folder))
		usage_error(command, "the folder's path is too long, or the current folder is "
				     "gone");
	len = strlen(wrapping->folder);
	while (len > 1 && wrapping->folder[len - 1] == '/')
		wrapping->folder[--len] = '\0';
	if (has_control(wrapping->folder))
		usage_error(command, "the folder's name has a control character");
	if (!asked)
		return;
	if (has_control(asked))
		usage_error(command, "the command's name has a control character");
	if (!name[0] || strlen(name) >= sizeof(wrapping->launcher.name))
		usage_error(command, "not a command: \"%s\"", asked);
	memcpy(wrapping->launcher.name, name, strlen(name) + 1);
	if (snprintf(wrapping->path, sizeof(wrapping->path), "%s/%s", wrapping->folder, name) >=
	    (int)sizeof(wrapping->path))
		usage_error(command, "the launcher's path is too long");
}

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;

	return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Finds the program. A path is written down as it is; a launcher's path means its name. */
static void find_program(const char *asked, struct wrapping *wrapping, char real[PATH_BYTES_MAX])
{
	struct launcher *launcher = &wrapping->launcher;

	/* Not what a symlink leads to: a program may look at the name that it is called by. */
	if (strchr(asked, '/') && !launcher_is(asked) && !make_absolute(asked, launcher->real))
		die(EXIT_NOTHING, "the path is too long: %s", asked);
	if (!launcher_real(launcher, real, PATH_BYTES_MAX) ||
	    (launcher->real[0] && strcmp(real, launcher->real) != 0))
		die(EXIT_NOTHING, "no such program: %s", asked);
	if (program_is_appimage(real))
		die(EXIT_NOTHING,
		    "%s is an AppImage, which brings its own libraries and starts what is inside. "
		    "Unpack it (%s --appimage-extract) and wrap the program inside.",
		    real, real);
	if (!strcmp(launcher->name, "tagalong") || !strcmp(launcher->name, "tagalong-run"))
		die(EXIT_NOTHING, "cannot wrap %s: launchers start it", real);
	if (same_file(real, wrapping->path))
		die(EXIT_NOTHING,
		    "%s would be replaced by its own launcher; use --bin-dir for another folder",
		    real);
}

static void report_wrapped(const char *path, const char *reason)
{
	if (reason)
		report_error("%s was not changed: %s", path, reason);
	else
		printf("desktop entry: %s\n", path);
}

static void report_removed(const char *path, const char *reason)
{
	if (reason)
		report_error("cannot remove %s: %s", path, reason);
	else
		printf("removed %s\n", path);
}

static void make_launcher(struct wrapping *wrapping, const char *asked)
{
	char real[PATH_BYTES_MAX], found[PATH_BYTES_MAX] = "";
	const char *name = wrapping->launcher.name;
	int result;

	find_program(asked, wrapping, real);
	result = folder_make(wrapping->folder, 0777);
	if (!result)
		result = launcher_write(wrapping->path, &wrapping->launcher);
	if (result == -EEXIST)
		die(EXIT_NOTHING,
		    "%s exists and was not written by tagalong wrap; it was not changed",
		    wrapping->path);
	if (result)
		die(EXIT_TROUBLE, "cannot write %s: %s", wrapping->path, strerror(-result));
	printf("launcher: %s\nit starts: tagalong run %s-- %s\n", wrapping->path,
	       wrapping->launcher.options, real);
	desktop_wrap(name, wrapping->path, report_wrapped);
	if (!program_find(name, NULL, found, sizeof(found)) || !same_file(found, wrapping->path))
		printf("%s does not come first in PATH: \"%s\" still starts %s. Put it first:\n"
		       "  export PATH=\"%s:$PATH\"\n",
		       wrapping->folder, name, found, wrapping->folder);
}

static void print_launcher(void *arg, const char *name, const struct launcher *launcher)
{
	char real[PATH_BYTES_MAX];

	printf("%-16s %-32s %s\n", name,
	       launcher_real(launcher, real, sizeof(real)) ? real : "(missing)", launcher->options);
}

static const char *folder;
static bool list;

static const struct command_option wrap_options[] = {
	LAUNCH_OPTIONS,
	{ "bin-dir", "DIR", "the folder for the launcher (default: ~/.local/bin)", WORD_FOLDER,
	  .text = &folder },
	{ "list", NULL, "list the launchers and what they start", .flag = &list },
	{ 0 },
};

static int wrap(const struct command *command, int argc, char **argv)
{
	struct wrapping wrapping = { .launcher.options = text_copy(TEXT("")) };
	struct launch launch = { 0 };
	int option;

	while ((option = next_option(command, argc, argv)) != OPTION_END) {
		/* Written down as it was given, for a shell. */
		char *quoted = optarg ? shell_quote(optarg) : text_copy(TEXT(""));
		char *before = wrapping.launcher.options;

		wrapping.launcher.options = text_format("%s--%s %s%s", before,
							option_of(command, option)->name, quoted,
							optarg ? " " : "");
		free(before);
		free(quoted);
		launch_option(command, option, optarg, &launch);
	}
	if (argc - optind != !list)
		usage_error(command, "one command is needed, or --list; its arguments are given "
				     "when it is started");
	place_launcher(command, folder, argv[optind], &wrapping);
	if (!list && !folder)
		refuse_foreign_home();
	if (list)
		launcher_each(wrapping.folder, print_launcher, NULL);
	else
		make_launcher(&wrapping, argv[optind]);
	launcher_release(&wrapping.launcher);
	return EXIT_OK;
}

static const struct command_option unwrap_options[] = {
	{ "bin-dir", "DIR", "the folder of the launcher (default: ~/.local/bin)", WORD_FOLDER,
	  .text = &folder },
	{ 0 },
};

static int unwrap(const struct command *command, int argc, char **argv)
{
	struct wrapping wrapping = { .launcher.name = "" };
	struct stat status;

	next_option(command, argc, argv);
	if (argc - optind != 1)
		usage_error(command, "one command is needed");
	place_launcher(command, folder, argv[optind], &wrapping);
	if (lstat(wrapping.path, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !launcher_is(wrapping.path))
		die(EXIT_NOTHING, "%s is not a launcher of tagalong wrap", wrapping.path);
	if (unlink(wrapping.path) < 0)
		die(EXIT_TROUBLE, "cannot remove %s: %s", wrapping.path, strerror(errno));
	report_removed(wrapping.path, NULL);
	desktop_unwrap(wrapping.path, report_removed);
	return EXIT_OK;
}

const struct command command_wrap = {
	.name = "wrap",
	.operands = "[COMMAND]",
	.summary = "Make a launcher that always starts COMMAND through tagalong run.",
	.options = wrap_options,
	.about = "The launcher passes these options on to tagalong run. A desktop entry of the "
		 "command is copied to ~/.local/share/applications, where it starts the launcher. "
		 "Files that wrap did not write are never overwritten. The launcher looks for the "
		 "command in PATH when it is started, unless it was given with a path; without "
		 "tagalong it starts the command as it is.\n\n"
		 "The exit code is 1 when the command cannot be wrapped, 2 for a bad call.",
	.examples = "tagalong wrap --relay https://relay.example.com emacs",
	.word = WORD_PROGRAM,
	.run = wrap,
};

const struct command command_unwrap = {
	.name = "unwrap",
	.operands = "COMMAND",
	.summary = "Remove what tagalong wrap made.",
	.options = unwrap_options,
	.about = "The exit code is 1 when there is no such launcher, 2 for a bad call.",
	.examples = "tagalong unwrap emacs",
	.word = WORD_LAUNCHER,
	.run = unwrap,
};
