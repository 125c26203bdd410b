/* SPDX-License-Identifier: MIT */
/* What is said of a command, made of its tables. */
#ifndef TAGALONG_CLI_HELP_H
#define TAGALONG_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* The command's --help on stdout, on a screen of 24 lines of 80 columns. EXIT_OK. */
int print_help(const struct command *command);
/* "usage: tagalong run ...", in at most 80 columns a line. */
void print_usage(FILE *out, const struct command *command);

#endif
