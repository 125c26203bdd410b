/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_LAUNCH_H
#define TAGALONG_CLI_LAUNCH_H

#include <getopt.h>
#include <stdbool.h>

#include "cli/command.h"

enum {
	OPT_PRESET = 1,
	OPT_RELAY,
	OPT_TASK,
	OPT_CONVERSATION,
	OPT_PROJECT,
	OPT_SET,
	OPT_DEBUG,
	OPT_NO_SERVICE,
	OPT_OWN, /* the first that a command may use for itself */
};

/* Their rows in a command's table. */
#define LAUNCH_OPTIONS                                                                             \
	{ "task", "ID", "the current task", WORD_FREE, OPT_TASK, 0 },                              \
	{ "conversation", "ID", "the current conversation", WORD_FREE, OPT_CONVERSATION, 0 },      \
	{ "project", "ID", "the project; by default the name of the git origin", WORD_FREE,        \
	  OPT_PROJECT, 0 },                                                                        \
	{ "set", "FIELD=VALUE", "any context field", WORD_PAIR, OPT_SET, 0 },                      \
	{ "relay", "PATTERN", "tag requests to this relay; repeatable; else loopback",             \
	  WORD_FREE, OPT_RELAY, 0 },                                                               \
	{ "preset", "NAME", "whose headers to send; tagalong presets lists them", WORD_PRESET,     \
	  OPT_PRESET, 0 },                                                                         \
	{ "no-service", NULL, "the environment alone, no context service", WORD_FREE,              \
	  OPT_NO_SERVICE, 0 },                                                                     \
	{ "debug", NULL, "one line on stderr for each decision", WORD_FREE, OPT_DEBUG, 0 }

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
