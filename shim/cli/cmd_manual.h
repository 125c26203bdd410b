/* SPDX-License-Identifier: MIT */
/* What is said of all commands together, made of their tables. */
#ifndef TAGALONG_CLI_CMD_MANUAL_H
#define TAGALONG_CLI_CMD_MANUAL_H

#include <stdio.h>

/* All commands in a few lines. */
void print_overview(FILE *out);
/* docs/commands.md, of which tagalong(1) is made as well. */
void print_manual(void);

#endif
