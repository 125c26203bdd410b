/* SPDX-License-Identifier: MIT */
/* What is said of the commands, made of their tables. */
#ifndef TAGALONG_CLI_HELP_H
#define TAGALONG_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* The command's --help on stdout, on a screen of 24 lines of 80 columns. EXIT_OK. */
int print_help(const struct command *command);
/* "usage: tagalong run ...", in at most 80 columns a line. */
void print_usage(FILE *out, const struct command *command);
/* All commands in a few lines. */
void print_overview(FILE *out);
/* docs/commands.md, of which the manual is made as well. */
void print_manual(void);

#endif
