/* SPDX-License-Identifier: MIT */
/* From specs and values to header lines. */
#ifndef TAGALONG_CORE_REQUEST_LINES_H
#define TAGALONG_CORE_REQUEST_LINES_H

#include <stdbool.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "core/config_current.h"
#include "core/header_rule.h"
#include "core/template.h"

struct tag_line {
	struct text name;
	struct text line; /* "Name: value", NUL-terminated */
	bool replaces; /* the client's header of this name gives way */
};

struct tag_record;

struct tag_lines {
	size_t count;
	const struct tag_record *record; /* what the log is to say, in the same block; NULL: no log */
	struct tag_line line[LINES_MAX];
	char memory[LINES_BYTES_MAX + 1];
};

/* What happens on the way, for debug lines and `explain`. Each may be NULL. */
struct tag_observer {
	/* A header was decided on: `value` is empty unless it is sent, `reason` says why not. */
	void (*header)(void *arg, struct text name, struct text value, const char *reason);
	/* Members of the header that was told last, which is sent, had a value and were left out. */
	void (*dropped)(void *arg, struct text name, unsigned count);
	/* A placeholder of the header that is decided on next had a value. */
	void (*source)(void *arg, struct text placeholder, const char *origin, const char *detail);
	/* What came of asking the context service. */
	void (*service)(void *arg, const char *outcome);
	/* The configuration is a bad one: why. */
	void (*config)(void *arg, const struct config_snapshot *snapshot);
	/* A field that the rule requires has no value. */
	void (*missing)(void *arg, const char *field);
	/* Why no conversation id was derived from the body, where one was asked for. */
	void (*body)(void *arg, const char *outcome);
	void *arg;
};

/* What the lines are made of. */
struct lines_recipe {
	const struct spec *own; /* the configuration's, which stand first and hide the preset's */
	size_t own_count;
	const struct spec *preset;
	size_t preset_count;
	size_t max; /* lines, at most LINES_MAX */
	bool replace; /* a header that the client sets gives way */
	template_lookup *lookup;
	void *lookup_arg;
	/* Whether the client sets this header itself; may be NULL. */
	bool (*client_sets)(void *arg, struct text name);
	void *client_arg;
	const struct tag_observer *observer; /* may be NULL */
};

/* Builds every line that has a value, is fit to send and stays within the limits. */
void lines_build(const struct lines_recipe *recipe, struct tag_lines *ret_lines);

#endif
