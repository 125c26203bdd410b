/* SPDX-License-Identifier: MIT */
/* The configuration as the commands see it: with its text, so that they can name places in it. */
#pragma once

#include <stdbool.h>

#include "core/config.h"
#include "lib/buf.h"
#include "lib/limits.h"

struct config_file {
	char path[PATH_BYTES_MAX]; /* empty: there is none */
	char *memory;
	struct buf source;
	struct config *config; /* NULL: none, or an invalid one */
	size_t faults;
	size_t lines_before, line_start; /* of the last fault's line */
};

/* Reads the file in force, or the one that is named. Each fault is reported on stderr with file,
 * line, column and reason. An exit code: EXIT_OK, also where there is no file; EXIT_NOTHING for an
 * invalid one. To be released in either case. */
int config_file_load(const char *path, struct config_file *ret_file);
void config_file_release(struct config_file *file);

/* Prints the values that apply, each with its origin: a line of the file, a variable of the
 * environment, or the default. There may be no file. */
void config_show(const struct config_file *file, bool json);
