/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_AGENTS_CHANGE_H
#define TAGALONG_CLI_AGENTS_CHANGE_H

#include "cli/agents/agents.h"
#include "lib/limits.h"
#include "lib/text.h"

/* A file of the agent's as it is and as it is to be. */
struct change {
	char path[PATH_BYTES_MAX];
	char *before; /* NULL: there is no such file */
	size_t before_len;
	char *after; /* NULL: there is to be none */
	size_t after_len;
};

/* Finds the agent's file. 0 or a negative errno: -ENOENT when there is no home. */
int change_locate(const struct agent *agent, struct change *ret_change);
/* Reads it, if it is there. 0 or a negative errno. */
int change_load(struct change *change);
/* Sets what is to be: as it is, but for `out` bytes at `at`, in whose place `in` comes. False when
 * out of memory. */
bool change_splice(struct change *change, size_t at, size_t out, struct text in);
/* Shows it on stdout. */
void change_show(const struct change *change);
/* Does it. An exit code, after a complaint. */
int change_apply(const struct change *change);
void change_release(struct change *change);

#endif
