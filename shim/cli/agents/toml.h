/* SPDX-License-Identifier: MIT */
/* Where a line goes into the config.toml of Codex, so that no other byte is touched. */
#pragma once

#include <stddef.h>

#include "lib/text.h"

/* The place behind the line that opens the table of the provider which Codex uses. 0, or -ENOENT
 * and why there is none: no provider is named, its table is not there, the key is somewhere in the
 * text, or strings of several lines, which could hold what only looks like a table. */
int toml_place(struct text text, struct text key, size_t *ret_at, const char **ret_reason);
