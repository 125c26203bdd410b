// SPDX-License-Identifier: MIT
/* Reading the configuration for people: every fault in one line that an editor can jump to. */
#include "cli/cmd_config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "core/config.h"
#include "lib/chars.h"

/* In quotes, and on one line whatever it is. */
static void print_word(struct text word)
{
	fputs(": \"", stderr);
	for (size_t i = 0; i < word.len; i++)
		fputc(char_is_control(word.ptr[i]) ? '?' : word.ptr[i], stderr);
	fputc('"', stderr);
}

static void on_fault(void *arg, const struct config_error *fault)
{
	const struct config_file *file = arg;
	struct text nearest = config_nearest(fault->word, fault->choices);
	size_t line, column;

	config_line_of(buf_since(&file->source, 0), fault->offset, &line, &column);
	fprintf(stderr, "%s:%zu:%zu: %s", file->path, line, column, fault->reason);
	if (fault->word.len)
		print_word(fault->word);
	if (nearest.len)
		fprintf(stderr, " (did you mean \"%.*s\"?)", (int)nearest.len, nearest.ptr);
	else if (fault->choices)
		fprintf(stderr, " (known: %s)", fault->choices);
	fputc('\n', stderr);
}

/* The first place that has a file; a place that is named counts even without one. */
static int find(struct config_file *file)
{
	struct stat status;
	struct buf path;

	for (enum config_place place = CONFIG_NAMED; place <= CONFIG_SYSTEM; place++) {
		int result;

		buf_init(&path, file->path, sizeof(file->path));
		result = config_path(place, &path);
		if (result == -ENOENT)
			continue;
		if (result) {
			report_error("TAGALONG_CONFIG: %s", config_file_reason(result));
			return EXIT_NOTHING;
		}
		if (place == CONFIG_NAMED || !stat(file->path, &status) ||
		    !config_is_absent(-errno))
			return EXIT_OK;
	}
	file->path[0] = '\0';
	return EXIT_OK;
}

static int name_file(const char *path, struct config_file *file)
{
	if (!path)
		return find(file);
	if (strlen(path) >= sizeof(file->path)) {
		report_error("the path is too long");
		return EXIT_USAGE;
	}
	memcpy(file->path, path, strlen(path) + 1);
	return EXIT_OK;
}

int config_file_load(const char *path, struct config_file *ret_file)
{
	struct config_errors faults = { on_fault, ret_file, 0 };
	int result;

	*ret_file = (struct config_file){ .memory = malloc(CONFIG_BYTES_MAX + 1) };
	result = ret_file->memory ? name_file(path, ret_file) : EXIT_TROUBLE;
	if (result || !ret_file->path[0])
		return result;
	buf_init(&ret_file->source, ret_file->memory, CONFIG_BYTES_MAX + 1);
	result = config_file_read(ret_file->path, &ret_file->source);
	if (result) {
		fprintf(stderr, "%s: %s\n", ret_file->path, config_file_reason(result));
		return EXIT_NOTHING;
	}
	result = config_read(buf_since(&ret_file->source, 0), &faults, &ret_file->config);
	ret_file->faults = faults.count;
	if (result == -ENOMEM)
		report_error("out of memory");
	return result == -ENOMEM ? EXIT_TROUBLE : result ? EXIT_NOTHING : EXIT_OK;
}

void config_file_release(struct config_file *file)
{
	free(file->config);
	free(file->memory);
}

size_t config_file_line(const struct config_file *file, size_t where)
{
	size_t line, column;

	config_line_of(buf_since(&file->source, 0), where, &line, &column);
	return line;
}
