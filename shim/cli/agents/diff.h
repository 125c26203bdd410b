/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_AGENTS_DIFF_H
#define TAGALONG_CLI_AGENTS_DIFF_H

#include "lib/text.h"

/* Prints what changes in a file, for people: the lines between the first and the last that differ,
 * old ones with "-", new ones with "+". A text without bytes at all (ptr NULL) is no file. */
void diff_print(const char *path, struct text before, struct text after);

#endif
