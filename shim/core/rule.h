/* SPDX-License-Identifier: MIT */
/* Which requests are tagged, and what holds for one of them: the configuration's rules in their
 * order, then the relays that the environment names, then, with none of the two, loopback.
 *
 * TAGALONG_PRESET and TAGALONG_ENDPOINTS are nearer than the file and win over what a rule says.
 * Without any preset it is the one whose own hosts the request goes to, else "generic". */
#pragma once

#include <stdbool.h>

#include "lib/text.h"
#include "core/config.h"
#include "core/url.h"

/* Why a request is, or is not, to be tagged. */
enum tag_verdict {
	TAG_MATCH, /* lines may be added; there may still be none to add */
	TAG_NOT_POST,
	TAG_NO_RELAY,
	TAG_NO_ENDPOINT,
	TAG_BAD_URL,
	TAG_BAD_CONFIG, /* tag_match.snapshot tells */
	TAG_NO_PRESET, /* TAGALONG_PRESET names none */
	TAG_REFUSED, /* the rule requires a field that has no value: it is not to be sent */
	TAG_NO_MEMORY,
	TAG_NO_ID, /* there are no random bytes for one */
};

/* For people: "the host is not a configured relay". */
const char *tag_verdict_reason(enum tag_verdict verdict);

/* What holds for a request. Borrowed texts: the environment's and the configuration's. */
struct rule {
	const struct config_rule *configured; /* NULL: the environment's, or loopback */
	struct text pattern; /* the one that matched; empty: the loopback default */
	struct text preset;
	const char *preset_from; /* for people: "the environment", "its host" ... */
};

/* Cheap and before any parsing: only POST is ever tagged. */
static inline bool rule_method_ok(const char *method)
{
	/* Case counts: methods are case-sensitive (RFC 9110 section 9.1), and a client that
	 * sends "post" does not send POST. */
	return method && !strcmp(method, "POST");
}

/* Fast check whether a URL of this text can have a wanted path: may return false positives, never
 * false negatives. Spares the parsing of most URLs that are none of ours. config may be NULL. */
bool rule_path_possible(const struct config *config, const char *url);

/* Decides for a POST: TAG_MATCH, and *ret_rule is filled, TAG_NO_RELAY or TAG_NO_ENDPOINT. config may
 * be NULL. */
enum tag_verdict rule_for(const struct config *config, const struct url *url,
			  struct rule *ret_rule);

typedef void rule_report(void *arg, const char *variable, struct text word, const char *reason);
/* Reports every bad word in TAGALONG_RELAYS and TAGALONG_ENDPOINTS; the shim passes over them. */
void rule_check_environment(rule_report *report, void *arg);
