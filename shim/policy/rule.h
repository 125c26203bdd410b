/* SPDX-License-Identifier: MIT */
/* A rule: requests to these relays and endpoints get these headers. */
#ifndef TAGALONG_POLICY_RULE_H
#define TAGALONG_POLICY_RULE_H

#include <stdbool.h>

#include "base/text.h"
#include "policy/endpoint.h"
#include "policy/url.h"

struct rule {
	bool loopback; /* nothing is configured: loopback only */
	struct text relays; /* comma list of patterns */
	struct endpoint_set endpoints;
	struct text preset; /* a preset's name */
};

/* Why a request is, or is not, the rule's. */
enum rule_verdict {
	RULE_MATCH,
	RULE_NOT_POST,
	RULE_NO_RELAY,
	RULE_NO_ENDPOINT,
};

/* For people: "the method is not POST". */
const char *rule_verdict_reason(enum rule_verdict verdict);

/* The rule that the environment makes: TAGALONG_RELAYS, _ENDPOINTS, _PRESET. Borrowed texts. */
void rule_from_environment(struct rule *ret_rule);

/* A configured word that is no good, and why. */
typedef void rule_complaint(void *arg, const char *variable, struct text word, const char *reason);
/* Tells of every bad word in the rule's texts; the shim passes over them. */
void rule_complain(const struct rule *rule, rule_complaint *complaint, void *arg);

/* Cheap and before any parsing: only POST is ever tagged. */
bool rule_method_ok(const char *method);

/* Whether a URL of this text can have a wanted path at all; false is sure, true is not. Spares the
 * parsing of most URLs that are none of ours. */
bool rule_path_possible(const struct rule *rule, const char *url);

/* Decides for a POST. *ret_pattern is the pattern that matched, empty for the loopback default. */
enum rule_verdict rule_match(const struct rule *rule, const struct url *url,
			     struct text *ret_pattern);

#endif
