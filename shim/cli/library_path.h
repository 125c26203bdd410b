/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_LIBRARY_PATH_H
#define TAGALONG_CLI_LIBRARY_PATH_H

#include "lib/buf.h"

/*
 * Appends the path of libtagalong.so: $TAGALONG_LIB, else beside this program, else in
 * ../lib/tagalong of its folder, or where distributions have it: in ../lib/MULTIARCH/tagalong,
 * ../lib64/tagalong. 0; -ENOENT when there is none; -EINVAL when its path has a space or
 * a colon, which LD_PRELOAD takes for separators (*ret_path has it then).
 */
int library_path(struct buf *ret_path);

/*
 * The same for LD_PRELOAD. Debian's place is written with $LIB, which each program's loader takes for
 * the folder of its own class: 32-bit programs get their library when there is one, and musl's loader
 * finds nothing, where by the whole path it would end the program. $TAGALONG_LIB stays as it is.
 */
int library_preload(struct buf *ret_path);

/* Calls with each libtagalong.so that $LIB may stand for in other programs, where `path` is in Debian's
 * place: those beside it, of other classes and machines. */
void library_others(const char *path, void (*on_other)(void *arg, const char *path), void *arg);

/* Appends the path of a file in the folder "agents" beside the library. 0; -ENOENT when there is
 * none. */
int hook_path(const char *name, struct buf *ret_path);

/* Appends the value for LD_PRELOAD: what was there (may be NULL), then the library; only what was
 * there when some libtagalong.so is in it already. */
void preload_value(const char *existing, struct text library, struct buf *ret_value);

#endif
