/* SPDX-License-Identifier: MIT */
/* What is known of programs by their name. */
#ifndef TAGALONG_CLI_DOCTOR_KNOWN_H
#define TAGALONG_CLI_DOCTOR_KNOWN_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum known_kind {
	KNOWN_PLUGINS, /* a language that loads libcurl for those who want it */
	KNOWN_NODE, /* Node's own HTTP, which has a door */
	KNOWN_OWN_HTTP, /* it has HTTP and TLS of its own */
	KNOWN_STARTS, /* others, which are reached */
	KNOWN_ELSEWHERE, /* it has others started where our environment does not come to */
};

struct known {
	const char *names; /* shell patterns, separated by blanks */
	enum known_kind kind;
	const char *what; /* for people, why */
	const char *advice;
	/* Of KNOWN_PLUGINS: patterns of files below the interpreter's prefix, or absolute or below the
	 * home folder, separated by blanks. */
	const char *plugins;
	/* The same, of bindings that open libcurl by name. */
	const char *bindings;
};

/* The row for a program of this name; NULL: nothing is known. */
const struct known *known_find(const char *name);

/* Adds the files that are there to a list: of plugins those that need a libcurl. `path` is the
 * interpreter's. */
void known_plugins(const struct known *known, const char *path, cJSON *ret_list);
void known_bindings(const struct known *known, const char *path, cJSON *ret_list);

#endif
