// SPDX-License-Identifier: MIT
/* Which requests are tagged, by relay, method and endpoint. */
#include "core/rule.h"

#include <string.h>

#include "lib/limits.h"
#include "core/variables.h"
#include "core/preset.h"
#include "core/relay.h"

const char *tag_verdict_reason(enum tag_verdict verdict)
{
	switch (verdict) {
	case TAG_MATCH:
		return "the request is to be tagged";
	case TAG_NOT_POST:
		return "the method is not POST";
	case TAG_NO_RELAY:
		return "the host is not a configured relay";
	case TAG_NO_ENDPOINT:
		return "the path is not a chat endpoint";
	case TAG_BAD_URL:
		return "libcurl refuses the URL";
	case TAG_BAD_CONFIG:
		return "the configuration is invalid";
	case TAG_NO_PRESET:
		return "unknown preset";
	case TAG_REFUSED:
		return "a field that the configuration requires has no value";
	case TAG_NO_MEMORY:
		return "out of memory";
	case TAG_NO_ID:
		return "the kernel has no random bytes";
	}
	return "";
}

/* What the environment says; an empty text where it says nothing. */
struct environment {
	struct text relays, preset;
	bool has_endpoints;
	struct endpoint_set endpoints; /* chat where it says nothing */
};

static void endpoints_read(struct environment *ret_environment)
{
	const char *endpoints = variable_get(VARIABLE_ENDPOINTS);
	struct text bad;

	ret_environment->has_endpoints = endpoints;
	ret_environment->endpoints = (struct endpoint_set){ .classes = ENDPOINT_CHAT };
	if (endpoints)
		endpoint_parse(text_of(endpoints), &ret_environment->endpoints, &bad);
}

static void environment_read(struct environment *ret_environment)
{
	ret_environment->relays = text_of(variable_get(VARIABLE_RELAYS));
	ret_environment->preset = text_trim(text_of(variable_get(VARIABLE_PRESET)));
	endpoints_read(ret_environment);
}

static bool path_wanted(const struct config *config, const struct environment *environment,
			struct text path)
{
	if (endpoint_wanted(&environment->endpoints, path))
		return true;
	if (environment->has_endpoints || !config)
		return false;
	for (size_t i = 0; i < config->rules_count; i++) {
		if (config->rules[i].key_where[CONFIG_RULE_ENDPOINTS] &&
		    endpoint_wanted(&config->rules[i].endpoints, path))
			return true;
	}
	return false;
}

bool rule_path_possible(const struct config *config, const char *url)
{
	/* The path, or more than it: whatever ends before the query or the fragment. */
	struct text text = { url, strcspn(url, "?#%") };
	const char *segment = strstr(url, "/.");
	struct environment environment;

	/* libcurl resolves dot segments, and may write percent-encodings anew. */
	if (url[text.len] == '%' || (segment && segment < url + text.len))
		return true;
	endpoints_read(&environment);
	return path_wanted(config, &environment, text);
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

/* Whether the rule names this host. */
static bool rule_names(const struct config_rule *rule, const struct url *url,
		       struct text *ret_pattern)
{
	if (!rule->key_where[CONFIG_RULE_MATCH])
		return relay_listed(preset_hosts(rule->preset), url, ret_pattern);
	for (size_t i = 0; i < rule->patterns_count; i++) {
		if (!relay_match(&rule->patterns[i].relay, url))
			continue;
		*ret_pattern = rule->patterns[i].text;
		return true;
	}
	return false;
}

/* Whether the environment names this host; with nothing configured at all, loopback is named, and
 * the hosts of a preset that was asked for. */
static bool environment_names(const struct config *config, const struct environment *environment,
			      const struct url *url, struct text *ret_pattern)
{
	if (environment->relays.len)
		return relay_listed(environment->relays, url, ret_pattern);
	if (environment->preset.len &&
	    relay_listed(preset_hosts(environment->preset), url, ret_pattern))
		return true;
	*ret_pattern = (struct text){ NULL, 0 };
	return (!config || !config->rules_count) && relay_is_loopback(url);
}

/* Whether one of the patterns can be the URL's at all: most are out by how they end. */
static bool may_be_listed(struct text patterns, const struct url *url)
{
	struct text word;

	while (text_next(&patterns, ',', &word)) {
		if (text_starts_with(word, TEXT("*")))
			word = text_from(word, 1);
		if (text_ends_with_nocase(url->host, word))
			return true;
	}
	return false;
}

static struct text preset_by_host(const struct url *url)
{
	struct text name, hosts, pattern;

	for (size_t i = 0; i < preset_count(); i++) {
		preset_head_at(i, &name, &hosts);
		if (hosts.len && may_be_listed(hosts, url) && relay_listed(hosts, url, &pattern))
			return name;
	}
	return (struct text){ NULL, 0 };
}

static void choose_preset(const struct environment *environment, const struct url *url,
			  struct rule *rule)
{
	const struct config_rule *configured = rule->configured;

	if (environment->preset.len) {
		rule->preset = environment->preset;
		rule->preset_from = "the environment";
	} else if (configured && configured->preset.len) {
		rule->preset = configured->preset;
		rule->preset_from = "the configuration";
	} else if (configured || rule->pattern.len) {
		rule->preset = preset_by_host(url);
		rule->preset_from = "the relay's host";
	} /* else it is loopback, which is no preset's host */
	if (!rule->preset.len) {
		rule->preset = TEXT("generic");
		rule->preset_from = "by default";
	}
}

enum tag_verdict rule_for(const struct config *config, const struct url *url, struct rule *ret_rule)
{
	enum tag_verdict verdict = TAG_NO_RELAY;
	struct environment environment;
	struct rule rule = { .configured = NULL };

	environment_read(&environment);
	for (size_t i = 0; config && i < config->rules_count && verdict != TAG_MATCH; i++) {
		const struct config_rule *configured = &config->rules[i];
		const struct endpoint_set *set = environment.has_endpoints ?
							 &environment.endpoints :
							 &configured->endpoints;

		if (!rule_names(configured, url, &rule.pattern))
			continue;
		rule.configured = configured;
		verdict = endpoint_wanted(set, url->path) ? TAG_MATCH : TAG_NO_ENDPOINT;
	}
	if (verdict != TAG_MATCH && environment_names(config, &environment, url, &rule.pattern)) {
		rule.configured = NULL;
		verdict = endpoint_wanted(&environment.endpoints, url->path) ? TAG_MATCH :
									       TAG_NO_ENDPOINT;
	}
	if (verdict == TAG_MATCH) {
		choose_preset(&environment, url, &rule);
		*ret_rule = rule;
	}
	return verdict;
}

void rule_check_environment(rule_report *report, void *arg)
{
	struct environment environment;
	struct endpoint_set endpoints;
	struct text rest, word;
	struct relay relay;
	const char *reason;

	environment_read(&environment);
	rest = environment.relays;
	for (size_t count = 0; text_next(&rest, ',', &word); count++) {
		if (count >= RELAYS_MAX)
			reason = "there are too many patterns";
		else if (!relay_parse(word, &relay, &reason))
			continue;
		report(arg, variable_name(VARIABLE_RELAYS), word, reason);
		if (count >= RELAYS_MAX)
			break;
	}
	endpoint_parse(environment.endpoints.suffixes, &endpoints, &word);
	if (word.len)
		report(arg, variable_name(VARIABLE_ENDPOINTS), word, ENDPOINT_FAULT);
}
