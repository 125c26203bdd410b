/* SPDX-License-Identifier: MIT */
/*
 * Reading headers, as presets and configurations write them:
 *
 *	"headers": {
 *		"X-Task-Id": "{task_id}",
 *		"X-Session-Id": { "$template": "{session_id}", "$max_value": 128 },
 *		"X-Tag-*": "{tags}",
 *		"X-Metadata": { "$format": "json", "$max_members": 5, "$max_value": 128,
 *			"$require_all": true, "task": "{task_id}", "*": "{tags}" },
 *		"X-User-Id": null
 *	}
 *
 * "$format" is "json" (the default), "baggage" or "list". null leaves a preset's header out.
 */
#ifndef TAGALONG_CORE_CONFIG_HEADER_READ_H
#define TAGALONG_CORE_CONFIG_HEADER_READ_H

#include "core/config_error.h"
#include "core/header_rule.h"
#include "lib/json.h"

/* Rows that are read: of each where it stands. */
struct spec_table {
	struct spec *specs;
	size_t *where;
	size_t count, size;
	bool full; /* there was one row more than fits */
};

/* Reads the object that comes next and appends its rows, whose texts stay in the document's memory.
 * Goes on after a fault, unless the JSON itself is broken (json->fault, not told here). */
void headers_read(struct json *json, struct faults *faults, struct spec_table *table);

/* Whether a template may name this. */
bool placeholder_known(void *arg, struct text name);
/* Whether an environment variable can have this name (POSIX, Base Definitions, 8.1). */
bool name_is_variable(struct text name);

#endif
