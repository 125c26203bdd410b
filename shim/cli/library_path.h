/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_LIBRARY_PATH_H
#define TAGALONG_CLI_LIBRARY_PATH_H

#include "base/buf.h"

/*
 * Appends the path of libtagalong.so: $TAGALONG_LIB, else beside this program, else in
 * ../lib/tagalong of its folder. 0; -ENOENT when there is none; -EINVAL when its path has a space or
 * a colon, which LD_PRELOAD takes for separators (*ret_path has it then).
 */
int library_path(struct buf *ret_path);

/* Appends the path of a file in the folder "agents" beside the library. 0; -ENOENT when there is
 * none. */
int agents_path(const char *name, struct buf *ret_path);

/* Appends the value for LD_PRELOAD: what was there (may be NULL), then the library; only what was
 * there when some libtagalong.so is in it already. */
void preload_value(const char *existing, struct text library, struct buf *ret_value);

#endif
