/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_CMD_CONFIG_SHOW_H
#define TAGALONG_CLI_CMD_CONFIG_SHOW_H

#include <stdbool.h>

#include "cli/cmd_config_file.h"

/* Prints what holds, value by value, each with its origin: a line of the file, a variable of the
 * environment, or the default. The file may be one that there is not. */
void config_show(const struct config_file *file, bool json);

#endif
