/* SPDX-License-Identifier: MIT */
/* Setting up coding agents that can report their session: a plugin or a hook in the user's own
 * configuration, which uninstall takes out again to the byte. */
#pragma once

#include <stdbool.h>
#include <time.h>

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
	bool toml; /* the file is Codex's config.toml, which gets a line */
	const char *also; /* the agent that is set up with it, where that fits; NULL: none */
	const char *advice; /* what the user has to know after an install; NULL if nothing */
};

/* NULL when there is none of that name; NULL behind the last. */
const struct agent *agent_find(const char *name);
const struct agent *agent_at(size_t index);

/* What an install did, kept in $XDG_STATE_HOME/tagalong/agents. */
struct receipt {
	char *file; /* where */
	char *text; /* what was put in, to the byte */
	bool created; /* the file was made by us, and is `text` */
};

/* 0 and a receipt to be released; -ENOENT when nothing is installed; or another negative errno. */
int receipt_read(const struct agent *agent, struct receipt *ret_receipt);
int receipt_write(const struct agent *agent, const struct receipt *receipt);
void receipt_remove(const struct agent *agent);
void receipt_release(struct receipt *receipt);
/* Whether what was installed is still where it was put. */
bool receipt_is_in_place(const struct receipt *receipt);

/* Notes that the agent of this name, if there is one, got headers. */
void agents_note_seen(const char *name);
/* When that was last; 0: never. */
time_t agent_seen(const struct agent *agent);

/* Whether there is something to install or to uninstall, for what is done along with another. */
bool agent_fits(const struct agent *agent, bool install);
/* Whether its configuration has a text. */
bool agent_file_has(const struct agent *agent, const char *text);
/* Shows what an install or uninstall would change, and, with AGENT_WRITE, changes it. EXIT_OK; with
 * AGENT_SHOW EXIT_NOTHING when there is nothing to write. Ends the program where it cannot be done. */
enum agent_mode { AGENT_SHOW, AGENT_WRITE };
int agent_install(const struct agent *agent, enum agent_mode mode);
int agent_uninstall(const struct agent *agent, enum agent_mode mode);
