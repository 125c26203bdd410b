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
enum rule_verdict {
	RULE_MATCH,
	RULE_NOT_POST,
	RULE_NO_RELAY,
	RULE_NO_ENDPOINT,
};

/* For people: "the method is not POST". */
const char *rule_verdict_reason(enum rule_verdict verdict);

/* What holds for a request. Borrowed texts: the environment's and the configuration's. */
struct rule {
	const struct config_rule *configured; /* NULL: the environment's, or loopback */
	struct text pattern; /* the one that matched; empty: the loopback default */
	struct text preset;
	const char *preset_from; /* for people: "the environment", "its host" ... */
};

/* Cheap and before any parsing: only POST is ever tagged. */
bool rule_method_ok(const char *method);

/* Fast check whether a URL of this text can have a wanted path: may return false positives, never
 * false negatives. Spares the parsing of most URLs that are none of ours. config may be NULL. */
bool rule_path_possible(const struct config *config, const char *url);

/* Decides for a POST; *ret_rule is filled for RULE_MATCH. config may be NULL. */
enum rule_verdict rule_for(const struct config *config, const struct url *url,
			   struct rule *ret_rule);

typedef void rule_report(void *arg, const char *variable, struct text word, const char *reason);
/* Reports every bad word in TAGALONG_RELAYS and TAGALONG_ENDPOINTS; the shim passes over them. */
void rule_check_environment(rule_report *report, void *arg);
