/* SPDX-License-Identifier: MIT */
/* What one header is made of: a row for the header, then, for the composed kinds, a row for each
 * member. Presets (compiled in from shim/presets) and configurations come in this one shape. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config_reader.h"
#include "core/template.h"
#include "lib/buf.h"
#include "lib/text.h"

enum header_kind {
	HEADER_TEXT, /* value is a template */
	HEADER_JSON, /* members follow: one compact ASCII JSON object of strings */
	HEADER_BAGGAGE, /* members follow: W3C baggage */
	HEADER_LIST, /* members follow: key:value,key:value */
	/* The kinds above make one line each. */
	HEADER_FANOUT, /* name ends in "*": one header for each tag, its key in place of the "*" */
	HEADER_OMIT, /* of a configuration: the preset's header of that name is left out */
	HEADER_MEMBER, /* name is the key; "*" takes every tag, or a whole baggage in
			 * HEADER_BAGGAGE */
};

struct header_rule {
	enum header_kind kind;
	struct text name; /* of a header: fit and not forbidden, checked by whoever made the rule */
	struct text value; /* the template of TEXT, FANOUT ("{tags}") and MEMBER */
	uint16_t max_members; /* of a composed header; the first ones stay; 0 is TAGS_MAX */
	/* Bytes of a value as it is sent, or of a JSON or baggage member's before it is escaped;
	 * 0 is VALUE_BYTES_MAX. */
	uint16_t max_value;
	bool require_all; /* a composed header: left out unless every member but "*" is there */
};

/* Why a header was left out, for debug lines and `explain`. */
enum header_outcome {
	HEADER_SENT,
	HEADER_NO_VALUE, /* a placeholder has no value, or no member has one */
	HEADER_BAD_VALUE, /* see *ret_reason */
};

/* Appends the value of the header at rows[0] (TEXT, JSON, BAGGAGE or LIST), whose members, if any,
 * follow it up to rows[count - 1]. Nothing is appended unless HEADER_SENT. A member that has no
 * value, is not fit to send or exceeds the limits is left out alone; *ret_dropped counts members
 * that had a value and were left out. *ret_reason is set for HEADER_BAD_VALUE, static text. */
enum header_outcome header_rule_value(struct buf *buf, const struct header_rule *rows, size_t count,
				      template_lookup *lookup, void *arg, unsigned *ret_dropped,
				      const char **ret_reason);

/* How many rows the header at rows[0] takes, members included; at most `count`. */
size_t header_rule_rows(const struct header_rule *rows, size_t count);

/* Rows that are read: of each where it stands. */
struct header_table {
	struct header_rule *rows;
	size_t *where;
	size_t count, size;
	bool full; /* there was one row more than fits */
};

/* Reads headers, as presets and configurations write them, and appends their rows, whose texts stay
 * in the document's memory. The object was entered (json_object).
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
 * "$format" is "json" (the default), "baggage" or "list". null leaves a preset's header out. */
void headers_read(struct config_reader *reader, struct header_table *table);

/* Whether a template may name this. */
bool placeholder_exists(void *arg, struct text name);
/* Whether an environment variable can have this name (POSIX, Base Definitions, 8.1). */
bool name_is_variable(struct text name);
