/* SPDX-License-Identifier: MIT */
/*
 * What one header is made of: a row for the header, then, for the composed kinds, a row for each
 * member. Presets (compiled in from shim/presets) and configurations come in this one shape.
 */
#ifndef TAGALONG_CORE_HEADER_RULE_H
#define TAGALONG_CORE_HEADER_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"
#include "core/template.h"

enum spec_kind {
	SPEC_TEXT, /* value is a template */
	SPEC_FANOUT, /* name ends in "*": one header a tag, its key in place of the "*" */
	SPEC_JSON, /* members follow: one compact ASCII JSON object of strings */
	SPEC_BAGGAGE, /* members follow: W3C baggage */
	SPEC_LIST, /* members follow: key:value,key:value */
	SPEC_OMIT, /* of a configuration: the preset's header of that name is left out */
	SPEC_MEMBER, /* name is the key; "*" takes every tag, or a whole baggage in SPEC_BAGGAGE */
};

struct spec {
	enum spec_kind kind;
	struct text name; /* of a header: fit and not forbidden, by whoever made the spec */
	struct text value; /* the template of TEXT, FANOUT ("{tags}") and MEMBER */
	uint16_t max_members; /* of a composed header; the first ones stay; 0 is TAGS_MAX */
	/* Bytes of a value as it is sent, or of a JSON or baggage member's before it is escaped;
	 * 0 is VALUE_BYTES_MAX. */
	uint16_t max_value;
	bool require_all; /* a composed header: left out unless every member but "*" is there */
};

/* Why a header was left out, for debug lines and `explain`. */
enum spec_outcome {
	SPEC_SENT,
	SPEC_NO_VALUE, /* a placeholder has no value, or no member has one */
	SPEC_BAD_VALUE, /* *ret_reason tells */
};

/*
 * Appends the value of the header at specs[0] (TEXT, JSON, BAGGAGE or LIST), whose members, if any,
 * follow it up to specs[count - 1]. Nothing is appended unless SPEC_SENT. A member that has no
 * value, is not fit to send or exceeds the limits is left out alone; *ret_dropped counts members
 * that had a value and were left out. *ret_reason is set for SPEC_BAD_VALUE, static text.
 */
enum spec_outcome spec_value_add(struct buf *buf, const struct spec *specs, size_t count,
				 template_lookup *lookup, void *arg, unsigned *ret_dropped,
				 const char **ret_reason);

/* How many rows the header at specs[0] takes, members included; at most `count`. */
size_t spec_rows(const struct spec *specs, size_t count);

#endif
