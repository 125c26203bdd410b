// SPDX-License-Identifier: MIT
/* Which requests are tagged, by relay, method and endpoint (design section 3). */
#include "policy/rule.h"

#include <string.h>

#include "base/limits.h"
#include "base/variables.h"
#include "policy/relay.h"

const char *rule_verdict_reason(enum rule_verdict verdict)
{
	switch (verdict) {
	case RULE_MATCH:
		return "the request is to be tagged";
	case RULE_NOT_POST:
		return "the method is not POST";
	case RULE_NO_RELAY:
		return "the host is no configured relay";
	case RULE_NO_ENDPOINT:
		return "the path is no chat endpoint";
	}
	return "";
}

void rule_from_environment(struct rule *ret_rule)
{
	const char *relays = variable_get(VARIABLE_RELAYS);
	const char *preset = variable_get(VARIABLE_PRESET);
	struct text bad;

	ret_rule->loopback = !relays;
	ret_rule->relays = text_of(relays);
	ret_rule->preset = preset ? text_trim(text_of(preset)) : TEXT("generic");
	endpoint_parse(text_of(variable_get(VARIABLE_ENDPOINTS)), &ret_rule->endpoints, &bad);
}

void rule_complain(const struct rule *rule, rule_complaint *complaint, void *arg)
{
	struct text rest = rule->relays, word;
	struct endpoint_set endpoints;
	struct relay relay;
	const char *reason;

	for (size_t count = 0; text_next(&rest, ',', &word); count++) {
		if (count >= RELAYS_MAX)
			reason = "there are too many patterns";
		else if (!relay_parse(word, &relay, &reason))
			continue;
		complaint(arg, variable_name(VARIABLE_RELAYS), word, reason);
		if (count >= RELAYS_MAX)
			break;
	}
	endpoint_parse(rule->endpoints.suffixes, &endpoints, &word);
	if (word.len)
		complaint(arg, variable_name(VARIABLE_ENDPOINTS), word,
			  "neither an endpoint class nor a path suffix that starts with / or :");
}

bool rule_method_ok(const char *method)
{
	/* Case counts: methods are case-sensitive (RFC 9110 section 9.1), and a client that
	 * sends "post" does not send POST. */
	return method && !strcmp(method, "POST");
}

bool rule_path_possible(const struct rule *rule, const char *url)
{
	/* The path, or more than it: whatever ends before the query or the fragment. */
	struct text text = { url, strcspn(url, "?#") };

	/* libcurl resolves dot segments, and may write percent-encodings anew. */
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%' || (text.ptr[i] == '/' && text.ptr[i + 1] == '.'))
			return true;
	}
	return endpoint_wanted(&rule->endpoints, text);
}

static bool relay_listed(struct text patterns, const struct url *url, struct text *ret_pattern)
{
	struct text word;

	for (size_t count = 0; count < RELAYS_MAX && text_next(&patterns, ',', &word); count++) {
		struct relay relay;
		const char *reason;

		if (relay_parse(word, &relay, &reason) || !relay_match(&relay, url))
			continue;
		*ret_pattern = text_trim(word);
		return true;
	}
	return false;
}

enum rule_verdict rule_match(const struct rule *rule, const struct url *url,
			     struct text *ret_pattern)
{
	struct text pattern = { NULL, 0 };

	if (rule->loopback ? !relay_is_loopback(url) : !relay_listed(rule->relays, url, &pattern))
		return RULE_NO_RELAY;
	if (!endpoint_wanted(&rule->endpoints, url->path))
		return RULE_NO_ENDPOINT;
	*ret_pattern = pattern;
	return RULE_MATCH;
}
