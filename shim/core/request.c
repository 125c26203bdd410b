// SPDX-License-Identifier: MIT
/* Deciding about one request, and collecting what its header lines are made of. */
#include "core/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "core/preset.h"
#include "core/request_log.h"
#include "core/variables.h"
#include "lib/random.h"

/* The one that is in force, if a URL of this text can be one of its requests; else NULL. That most
 * cannot is found out without asking the file system. */
static const struct config_snapshot *snapshot_for(const struct tag_request *request)
{
	const char *url = request->target ? request->target : request->url;
	const struct config_snapshot *late = config_get(false), *exact = NULL;

	if (late->state == CONFIG_BAD || rule_path_possible(late->config, url)) {
		if (late->state == CONFIG_NONE)
			return late; /* there is no file to look at again */
		exact = config_get(true);
	}
	config_put(late);
	return exact;
}

int tag_request_url(const struct tag_request *request, struct url *ret_url)
{
	int result = url_parse(request->api, request->url, ret_url);

	if (result)
		return result;
	if (request->port)
		ret_url->port = request->port;
	/* "*" and a whole URL, which a proxy would take elsewhere, are no path of a chat. */
	if (request->target)
		ret_url->path = (struct text){ request->target,
					       request->target[0] != '/' ?
						       0 :
						       strcspn(request->target, "?#") };
	return 0;
}

/* With no relay named, a request counts when its host is a loopback name and its peer is here. */
static bool peer_ok(enum tag_peer peer, const struct url *url)
{
	if (peer == TAG_PEER_BY_STRICT_NAME)
		return !text_ends_with_nocase(url->host, TEXT(".localhost"));
	return peer != TAG_PEER_ELSEWHERE;
}

static enum tag_verdict decide(const struct tag_request *request, const struct config *config,
			       struct rule *ret_rule)
{
	enum tag_verdict verdict;
	struct url url;
	int result;

	result = tag_request_url(request, &url);
	if (result)
		return result == -ENOMEM ? TAG_NO_MEMORY : TAG_BAD_URL;
	verdict = rule_for(config, &url, ret_rule);
	if (verdict == TAG_MATCH && !ret_rule->configured && !ret_rule->pattern.len &&
	    !peer_ok(request->peer, &url))
		verdict = TAG_NO_RELAY;
	url_release(request->api, &url);
	return verdict;
}

/* By match->snapshot, which is given back unless it is for the caller, as of tag_decide. */
static enum tag_verdict decide_by(const struct tag_request *request, struct tag_match *match)
{
	enum tag_verdict verdict = match->snapshot->state == CONFIG_BAD ?
					   TAG_BAD_CONFIG :
					   decide(request, match->snapshot->config, &match->rule);

	if (verdict != TAG_MATCH && verdict != TAG_BAD_CONFIG)
		config_put(match->snapshot);
	return verdict;
}

enum tag_verdict tag_decide(const struct tag_request *request, struct tag_match *ret_match)
{
	if (!rule_method_ok(request->method))
		return TAG_NOT_POST;
	ret_match->snapshot = snapshot_for(request);
	return ret_match->snapshot ? decide_by(request, ret_match) : TAG_NO_ENDPOINT;
}

void tag_match_release(struct tag_match *match)
{
	config_put(match->snapshot);
}

/* One request's workspace, on the heap: a host's stack may be small. The lines stand first: when
 * there are some, all of it is handed out as them. */
struct workspace {
	struct tag_lines lines;
	char memory[LINES_BYTES_MAX + 1]; /* of the lines */
	struct preset preset;
	struct values values;
};

/* Whether every field that the rule requires has a value. */
static bool has_required(const struct tag_request *request, const struct config_rule *rule,
			 struct values *values)
{
	const struct tag_observer *observer = request->observer;
	uint32_t required = rule ? rule->require : 0;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!(required & (uint32_t)1 << field) || values_has(values, field))
			continue;
		if (observer && observer->note)
			observer->note(observer->arg, TAG_NOTE_MISSING, field_name(field));
		return false;
	}
	return true;
}

static enum derives derives_of(const struct config_rule *rule, const struct preset *preset)
{
	if (rule && rule->conversation)
		return rule->conversation == CONVERSATION_DERIVE ? DERIVES_ALWAYS : DERIVES_NOT;
	return preset->derives ? DERIVES_WITHOUT_IDS : DERIVES_NOT;
}

/* For a request that matched. `environment` is for plan_make. Where a log is wanted, `entry` has its
 * path. */
static enum tag_verdict build(const struct tag_request *request, const struct tag_match *match,
			      uint64_t environment, struct workspace *workspace,
			      struct log_entry *entry)
{
	struct tag_lines *lines = &workspace->lines;
	const struct config_rule *rule = match->rule.configured;
	struct lines_recipe recipe = {
		.own = rule ? rule->headers : NULL,
		.own_count = rule ? rule->headers_count : 0,
		.preset = workspace->preset.headers,
		.max = rule ? rule->max_headers : LINES_MAX,
		.replace = rule && rule->replace,
		.lookup = values_lookup,
		.lookup_arg = &workspace->values,
		.client_sets = request->client_sets,
		.client_arg = request->arg,
		.observer = request->observer,
	};
	enum tag_verdict verdict = TAG_MATCH;

	if (preset_find(match->rule.preset, &workspace->preset))
		return TAG_NO_PRESET;
	recipe.preset_count = workspace->preset.count;
	values_collect(request, match->snapshot->config, rule, derives_of(rule, &workspace->preset),
		       &workspace->values);
	if (has_required(request, rule, &workspace->values))
		lines_build(&recipe, workspace->memory, lines);
	else
		verdict = TAG_REFUSED;
	if (verdict == TAG_MATCH && workspace->values.no_random)
		verdict = TAG_NO_ID; /* all of the lines or none */
	if (entry && verdict == TAG_MATCH && lines->count) {
		log_entry_make(request, lines, &workspace->values, entry);
		lines->log_entry = entry;
	}
	if (verdict == TAG_MATCH)
		plan_make(request, match->snapshot, environment, &workspace->values, lines);
	values_release(&workspace->values);
	return verdict;
}

/* For a request that has no plan, and whose path may be a chat's by this snapshot, which is given
 * back. */
static __attribute__((noinline)) enum tag_verdict build_anew(const struct tag_request *request,
							     const struct config_snapshot *snapshot,
							     struct tag_lines **ret_lines)
{
	struct tag_match match = { .snapshot = snapshot };
	struct tag_request named = *request;
	struct workspace *workspace;
	struct log_entry *entry = NULL;
	enum tag_verdict verdict;
	uint8_t random[UUID7_RANDOM_BYTES];
	struct text place;
	uint64_t environment;

	environment = request->observer ? 0 : plan_environment(snapshot->config);
	verdict = decide_by(request, &match);
	if (verdict == TAG_BAD_CONFIG) {
		if (request->observer && request->observer->config)
			request->observer->config(request->observer->arg, snapshot);
		tag_match_release(&match);
	}
	if (verdict != TAG_MATCH)
		return verdict;
	place = log_place(snapshot->config);
	workspace = malloc(sizeof(*workspace) + (place.len ? sizeof(struct log_entry) : 0));
	if (workspace && place.len) {
		/* The place may be the environment's. */
		entry = (struct log_entry *)(workspace + 1);
		memcpy(entry->path, place.ptr, place.len);
		entry->path[place.len] = '\0';
	}
	if (!workspace)
		verdict = TAG_NO_MEMORY;
	else if (named.identify && random_fill(random, sizeof(random)))
		verdict = TAG_NO_ID;
	if (verdict == TAG_MATCH) {
		if (named.identify)
			named.identify(named.arg, random, named.request_id);
		verdict = build(&named, &match, environment, workspace, entry);
	}
	tag_match_release(&match);
	*ret_lines = verdict == TAG_MATCH && workspace->lines.count ? &workspace->lines : NULL;
	if (!*ret_lines)
		free(workspace);
	return verdict;
}

enum tag_verdict tag_build(const struct tag_request *request, struct tag_lines **ret_lines)
{
	const struct config_snapshot *snapshot;

	*ret_lines = NULL;
	if (!rule_method_ok(request->method))
		return TAG_NOT_POST;
	*ret_lines = plan_lines(request);
	if (*ret_lines)
		return TAG_MATCH;
	snapshot = snapshot_for(request);
	return snapshot ? build_anew(request, snapshot, ret_lines) : TAG_NO_ENDPOINT;
}

bool tag_wants_body(void)
{
	const struct config_snapshot *snapshot = config_get(false);
	const char *preset = variable_get(VARIABLE_PRESET);
	bool wants;

	/* A preset that is named goes before the rule's; without one it is the host's, which is not
	 * known yet. With no relay named at all there are but loopback hosts, which have none. */
	if (preset)
		wants = preset_derives(text_trim(text_of(preset)));
	else
		wants = variable_get(VARIABLE_RELAYS) != NULL;
	wants = wants || (snapshot->config && snapshot->config->wants_body);
	config_put(snapshot);
	return wants;
}
