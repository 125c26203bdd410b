/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_LAUNCH_H
#define TAGALONG_CLI_LAUNCH_H

#include <getopt.h>
#include <stdbool.h>

#include "cli/command.h"

enum {
	OPT_PRESET = 256,
	OPT_RELAY,
	OPT_TASK,
	OPT_CONVERSATION,
	OPT_PROJECT,
	OPT_SET,
	OPT_DEBUG,
	OPT_NO_SERVICE,
	OPT_OWN, /* the first that a command may use for itself */
};

/* Their rows in a command's table for getopt_long. */
#define LAUNCH_OPTIONS                                                                             \
	{ "preset", required_argument, NULL, OPT_PRESET },                                         \
	{ "relay", required_argument, NULL, OPT_RELAY },                                           \
	{ "task", required_argument, NULL, OPT_TASK },                                             \
	{ "conversation", required_argument, NULL, OPT_CONVERSATION },                             \
	{ "project", required_argument, NULL, OPT_PROJECT },                                       \
	{ "set", required_argument, NULL, OPT_SET },                                               \
	{ "debug", no_argument, NULL, OPT_DEBUG },                                                 \
	{ "no-service", no_argument, NULL, OPT_NO_SERVICE }

/* What they say beside what they put into the environment. All false at first. */
struct launch {
	bool no_service, debug;
	bool has_relay; /* the first --relay replaces an inherited list */
};

/* Checks one of them and puts it into the environment. An exit code; what is wrong was said. */
int launch_option(const struct command *command, int option, const char *argument,
		  struct launch *launch);
/* Opens the doors: the shim in LD_PRELOAD, and Node's module where it can be had. An exit code. */
int launch_doors(void);

#endif
