// SPDX-License-Identifier: MIT
/* tagalong config: whether the configuration is valid, what it comes to, where it is. A fault is
 * one line that an editor can jump to. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/config_file.h"
#include "core/config.h"

static void on_error(void *arg, const struct config_error *error)
{
	struct config_file *file = arg;
	struct text nearest = config_nearest(error->word, error->choices);
	char *word = make_printable(text_copy(error->word));
	size_t line, column;

	/* Errors mostly come in the file's order: lines are counted on from the last one. */
	if (error->offset < file->line_start)
		file->lines_before = file->line_start = 0;
	config_line_of(buf_since(&file->source, file->line_start), error->offset - file->line_start,
		       &line, &column);
	line += file->lines_before;
	file->lines_before = line - 1;
	file->line_start = error->offset - (column - 1);
	fprintf(stderr, "%s:%zu:%zu: %s", file->path, line, column, error->reason);
	if (word[0])
		fprintf(stderr, ": \"%s\"", word);
	if (nearest.len)
		fprintf(stderr, " (did you mean \"%.*s\"?)", (int)nearest.len, nearest.ptr);
	else if (error->choices)
		fprintf(stderr, " (known: %s)", error->choices);
	fputc('\n', stderr);
	free(word);
}

/* The first place that has a file; a place that is named counts even without one. */
static void find_file(struct config_file *file)
{
	struct stat status;
	struct buf path;

	for (enum config_place place = CONFIG_NAMED; place <= CONFIG_SYSTEM; place++) {
		int result;

		buf_init(&path, file->path, sizeof(file->path));
		result = config_path(place, &path);
		if (result == -ENOENT)
			continue;
		if (result)
			die(EXIT_NOTHING, "TAGALONG_CONFIG: %s", config_file_reason(result));
		if (place == CONFIG_NAMED || !stat(file->path, &status) ||
		    !config_is_absent(-errno))
			return;
	}
	file->path[0] = '\0';
}

int config_file_load(const char *path, struct config_file *ret_file)
{
	struct config_errors errors = { .report = on_error };
	int result;

	*ret_file = (struct config_file){ .memory = array_grow(NULL, 0, CONFIG_BYTES_MAX + 1) };
	if (!path)
		find_file(ret_file);
	else if (snprintf(ret_file->path, sizeof(ret_file->path), "%s", path) >=
		 (int)sizeof(ret_file->path))
		die(EXIT_USAGE, "the path is too long: %s", path);
	if (!ret_file->path[0])
		return EXIT_OK;
	buf_init(&ret_file->source, ret_file->memory, CONFIG_BYTES_MAX + 1);
	result = config_file_read(ret_file->path, &ret_file->source);
	if (result) {
		fprintf(stderr, "%s: %s\n", ret_file->path, config_file_reason(result));
		return EXIT_NOTHING;
	}
	errors.arg = ret_file;
	result = config_read(buf_since(&ret_file->source, 0), &errors, &ret_file->config);
	ret_file->faults = errors.count;
	if (result == -ENOMEM)
		die(EXIT_TROUBLE, "out of memory");
	return result ? EXIT_NOTHING : EXIT_OK;
}

void config_file_release(struct config_file *file)
{
	free(file->config);
	free(file->memory);
}

static bool json;

static const struct command_option options[] = {
	{ "json", NULL, "with show: print JSON", .flag = &json },
	{ 0 },
};

static const struct command_verb verbs[] = {
	{ "check", "[FILE]", "report every fault with file, line, column and reason", WORD_FILE },
	{ "show", "[FILE]", "print each value and where it comes from", WORD_FILE },
	{ "path", "", "print the path of the file in force", WORD_FREE },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct config_file file;
	const char *verb, *path;
	bool check, show;
	int code;

	next_option(command, argc, argv);
	if (optind == argc)
		usage_error(command, "a subcommand is needed: check, show or path");
	if (argc - optind > 2)
		usage_error(command, "at most one file can be given");
	verb = argv[optind];
	path = argv[optind + 1];
	check = !strcmp(verb, "check");
	show = !strcmp(verb, "show");
	if (!check && !show && strcmp(verb, "path") != 0)
		usage_error(command, "unknown subcommand: %s", verb);
	if (json && !show)
		usage_error(command, "--json goes with show only");
	if (path && !check && !show)
		usage_error(command, "path takes no file");
	code = config_file_load(path, &file);
	if (show && code == EXIT_OK) {
		config_show(&file, json);
	} else if (check && code == EXIT_NOTHING && file.faults) {
		fprintf(stderr, "%s: %zu fault%s: no request is tagged with this configuration\n",
			file.path, file.faults, file.faults == 1 ? "" : "s");
	} else if (check && code == EXIT_OK && !file.path[0]) {
		puts("no configuration file: only the environment applies");
	} else if (check && code == EXIT_OK) {
		printf("%s: valid, %zu rule%s\n", file.path, file.config->rules_count,
		       file.config->rules_count == 1 ? "" : "s");
	} else if (!check && !show && file.path[0]) {
		puts(file.path);
	} else if (!check && !show && code == EXIT_OK) {
		code = EXIT_NOTHING;
	}
	config_file_release(&file);
	return code;
}

const struct command command_config = {
	.name = "config",
	.operands = "[FILE]",
	.summary = "Check the configuration, show its values, or print where it is.",
	.verbs = verbs,
	.options = options,
	.about = "Without FILE it is the one in force: $TAGALONG_CONFIG, else "
		 "$XDG_CONFIG_HOME/tagalong/config.json (~/.config), else "
		 "/etc/tagalong/config.json.\n\n"
		 "The exit code is 1 when check finds a fault, and when path finds no file.",
	.examples = "tagalong config check",
	.run = run,
};
