/* SPDX-License-Identifier: MIT */
/*
 * Setting up the agents that can tell us their session: a plugin or a hook in the user's own
 * configuration, which is taken back to the byte.
 */
#ifndef TAGALONG_CLI_AGENTS_AGENTS_H
#define TAGALONG_CLI_AGENTS_AGENTS_H

#include <stdbool.h>
#include <time.h>

#include "lib/buf.h"
#include "cli/command.h"

extern const struct command command_agents;

struct agent {
	const char *name; /* on the command line: "kilo" */
	const char *title; /* for people: "Kilo" */
	/* Its configuration folder: $variable (may be NULL), then `below` it; without that variable
	 * ~/`home` and `below`. */
	const char *variable, *home, *below;
	/* The file in it that gets an element, the first that is there, else the last. NULL: a file
	 * of ours, `own`, is put there instead. */
	const char *files[2];
	const char *own;
	/* The array that gets the element, and whether the file is JSON without comments. */
	const char *path[2];
	bool strict;
	bool hook; /* the element is a hook that runs us, not the plugin's address */
	const char *advice; /* what the user has to know after an install; NULL if nothing */
};

/* NULL when there is none of that name. */
const struct agent *agent_find(const char *name);
const struct agent *agent_at(size_t index);

/* What an install did, kept in $XDG_STATE_HOME/tagalong/agents. */
struct agent_record {
	char *file; /* where */
	char *text; /* what was put in, to the byte */
	bool created; /* the file is of our making, and is `text` */
};

/* 0 and a record to be released; -ENOENT when nothing is installed; or another negative errno. */
int agent_record_read(const struct agent *agent, struct agent_record *ret_record);
int agent_record_write(const struct agent *agent, const struct agent_record *record);
void agent_record_remove(const struct agent *agent);
void agent_record_release(struct agent_record *record);

/* Notes that the agent of this name, if there is one, got headers. */
void agents_note_seen(const char *name);
/* When that was last; 0: never. */
time_t agent_seen(const struct agent *agent);

/* install and uninstall: with `write` false only show what would change. The exit code. */
int agent_install(const struct agent *agent, bool write);
int agent_uninstall(const struct agent *agent, bool write);
/* Whether what was installed still is where it was put. */
bool agent_is_in_place(const struct agent_record *record);
/* The same from the agent's side: its hook tells us on standard input which session runs. Says
 * nothing, as what it says may go to the model. */
void agent_hook(const struct agent *agent);

#endif
