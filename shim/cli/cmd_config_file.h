/* SPDX-License-Identifier: MIT */
/* The configuration as the commands look at it: with its text, for places. */
#ifndef TAGALONG_CLI_CMD_CONFIG_FILE_H
#define TAGALONG_CLI_CMD_CONFIG_FILE_H

#include "lib/buf.h"
#include "lib/limits.h"
#include "core/config.h"

struct config_file {
	char path[PATH_BYTES_MAX]; /* empty: there is none */
	char *memory;
	struct buf source;
	struct config *config; /* NULL: none, or a bad one */
	size_t faults;
};

/*
 * Finds the file that is in force, or takes the one that is named, and reads it. Says every fault on
 * stderr with file, line, column and reason. An exit code: EXIT_OK, also where there is no file;
 * EXIT_NOTHING for a bad one; EXIT_TROUBLE. To be released in any case.
 */
int config_file_load(const char *path, struct config_file *ret_file);
void config_file_release(struct config_file *file);

/* The line of a place in its text. */
size_t config_file_line(const struct config_file *file, size_t where);

#endif
