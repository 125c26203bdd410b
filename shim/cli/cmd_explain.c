// SPDX-License-Identifier: MIT
/*
 * tagalong explain: what the shim would do with a request, from the same core. The observer's words
 * are collected in one cJSON document; text is a view of it.
 */
#include "cli/commands.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/variables.h"
#include "cli/request_arg.h"
#include "core/endpoint.h"
#include "core/request.h"

/* The document, and the sources that belong to the header that is decided on next. */
struct report {
	cJSON *root, *headers, *left_out, *sources;
};

static void add_text(cJSON *object, const char *name, struct text text)
{
	char *copy = strndup(text.ptr ? text.ptr : "", text.len);

	if (copy)
		cJSON_AddStringToObject(object, name, copy);
	free(copy);
}

static const char *get_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return text ? text : "";
}

static void on_source(void *arg, struct text placeholder, const char *origin, const char *detail)
{
	struct report *report = arg;
	cJSON *source = cJSON_CreateObject();

	add_text(source, "placeholder", placeholder);
	cJSON_AddStringToObject(source, "origin", origin);
	cJSON_AddStringToObject(source, "detail", detail);
	cJSON_AddItemToArray(report->sources, source);
}

static void on_header(void *arg, struct text name, struct text value, const char *reason)
{
	struct report *report = arg;
	cJSON *header = cJSON_CreateObject();

	add_text(header, "name", name);
	if (reason)
		cJSON_AddStringToObject(header, "reason", reason);
	else
		add_text(header, "value", value);
	cJSON_AddItemToObject(header, "sources", report->sources);
	report->sources = cJSON_CreateArray();
	cJSON_AddItemToArray(reason ? report->left_out : report->headers, header);
}

static void on_dropped(void *arg, struct text name, unsigned count)
{
	const struct report *report = arg;
	cJSON *header = report->headers->child ? report->headers->child->prev : NULL;

	/* The one that was told last. */
	if (header)
		cJSON_AddNumberToObject(header, "members_left_out", count);
}

static void on_service(void *arg, const char *outcome)
{
	struct report *report = arg;

	cJSON_AddStringToObject(report->root, "service", outcome);
}

static void on_complaint(void *arg, const char *variable, struct text word, const char *reason)
{
	cJSON *complaint = cJSON_CreateObject();

	cJSON_AddStringToObject(complaint, "variable", variable);
	add_text(complaint, "word", word);
	cJSON_AddStringToObject(complaint, "reason", reason);
	cJSON_AddItemToArray(arg, complaint);
}

static void on_missing(void *arg, const char *field)
{
	struct report *report = arg;

	cJSON_AddStringToObject(report->root, "missing", field);
}

static void on_body(void *arg, const char *outcome)
{
	struct report *report = arg;

	cJSON_AddStringToObject(report->root, "body", outcome);
}

/* "/etc/tagalong/config.json:3", where the configuration has a part in it. */
static void describe_configuration(cJSON *root, const struct config_snapshot *snapshot,
				   const struct rule *rule)
{
	size_t line = snapshot->line;
	char place[PATH_BYTES_MAX + 24];

	if (snapshot->state == CONFIG_NONE)
		return;
	if (snapshot->state == CONFIG_BAD)
		cJSON_AddStringToObject(root, "fault", snapshot->reason);
	else if (rule && rule->configured)
		line = rule->configured->line;
	snprintf(place, sizeof(place), line ? "%s:%zu" : "%s", snapshot->path, line);
	cJSON_AddStringToObject(root, "configuration", place);
}

static void describe_rule(cJSON *root, const struct tag_match *match, const char *url_text,
			  const struct url_api *api)
{
	const struct rule *rule = &match->rule;
	struct url url;
	const char *class;

	add_text(root, "relay", rule->pattern.len ? rule->pattern : TEXT("loopback"));
	add_text(root, "preset", rule->preset);
	cJSON_AddStringToObject(root, "preset_from", rule->preset_from);
	describe_configuration(root, match->snapshot, rule);
	if (url_parse(api, url_text, &url))
		return;
	class = endpoint_class_of(url.path);
	cJSON_AddStringToObject(root, "endpoint", class ? class : "configured");
	url_release(api, &url);
}

static enum tag_verdict ask(struct report *report, const char *method, const char *url)
{
	struct tag_observer observer = { .header = on_header,	.source = on_source,
					 .dropped = on_dropped,
					 .service = on_service, .missing = on_missing,
					 .body = on_body,	.arg = report };
	struct tag_request request;
	struct tag_lines *lines = NULL;
	enum tag_verdict verdict;
	struct tag_match match;

	if (!request_init(&request, method, url))
		return TAG_NO_MEMORY;
	request.observer = &observer;
	verdict = tag_decide(&request, &match);
	if (verdict == TAG_MATCH)
		describe_rule(report->root, &match, url, request.api);
	else if (verdict == TAG_BAD_CONFIG)
		describe_configuration(report->root, match.snapshot, NULL);
	if (verdict == TAG_MATCH || verdict == TAG_BAD_CONFIG)
		tag_match_release(&match);
	if (verdict == TAG_MATCH)
		verdict = tag_build(&request, &lines);
	free(lines);
	return verdict;
}

static cJSON *make_report(const char *method, const char *url)
{
	cJSON *root = cJSON_CreateObject(), *complaints = cJSON_CreateArray();
	struct report report = { root, cJSON_CreateArray(), cJSON_CreateArray(),
				 cJSON_CreateArray() };
	enum tag_verdict verdict;
	const char *reason;
	bool tagged;

	cJSON_AddStringToObject(root, "method", method);
	cJSON_AddStringToObject(root, "url", url);
	verdict = ask(&report, method, url);
	tagged = verdict == TAG_MATCH && cJSON_GetArraySize(report.headers) > 0;
	reason = verdict == TAG_MATCH && !tagged ? "no header has a value" :
						   tag_verdict_reason(verdict);
	if (variable_is_on(VARIABLE_OFF)) {
		tagged = false;
		reason = "TAGALONG_OFF is 1";
	}
	cJSON_AddBoolToObject(root, "tagged", tagged);
	cJSON_AddStringToObject(root, "reason", reason);
	rule_check_environment(on_complaint, complaints);
	cJSON_AddItemToObject(root, "headers", report.headers);
	cJSON_AddItemToObject(root, "left_out", report.left_out);
	cJSON_AddItemToObject(root, "complaints", complaints);
	cJSON_Delete(report.sources);
	return root;
}

static void print_sources(const cJSON *header)
{
	const cJSON *source;
	const char *separator = "<- ";

	if (!cJSON_GetArraySize(cJSON_GetObjectItem(header, "sources")))
		printf("<- literal text");
	cJSON_ArrayForEach(source, cJSON_GetObjectItem(header, "sources"))
	{
		const char *detail = get_text(source, "detail");

		printf("%s%s", separator, get_text(source, "placeholder"));
		printf(" (%s%s%s)", get_text(source, "origin"), detail[0] ? ": " : "", detail);
		separator = ", ";
	}
	putchar('\n');
}

static void print_text(const cJSON *root)
{
	const cJSON *item;

	printf("%s %s\n", get_text(root, "method"), get_text(root, "url"));
	if (cJSON_IsTrue(cJSON_GetObjectItem(root, "tagged")))
		printf("tagged: relay %s, endpoint class %s, preset %s\n", get_text(root, "relay"),
		       get_text(root, "endpoint"), get_text(root, "preset"));
	else if (get_text(root, "missing")[0])
		printf("refused: %s: %s\n", get_text(root, "reason"), get_text(root, "missing"));
	else
		printf("not tagged: %s\n", get_text(root, "reason"));
	if (get_text(root, "configuration")[0])
		printf("%s%s%s\n", get_text(root, "configuration"),
		       get_text(root, "fault")[0] ? ": " : "", get_text(root, "fault"));
	if (get_text(root, "service")[0])
		printf("%s\n", get_text(root, "service"));
	if (get_text(root, "body")[0])
		printf("no conversation id from the body: %s\n", get_text(root, "body"));
	if (cJSON_GetArraySize(cJSON_GetObjectItem(root, "headers")))
		putchar('\n');
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "headers"))
	{
		printf("  %s: %s\n      ", get_text(item, "name"), get_text(item, "value"));
		print_sources(item);
		if (cJSON_HasObjectItem(item, "members_left_out"))
			printf("      %d members left out\n",
			       cJSON_GetObjectItem(item, "members_left_out")->valueint);
	}
	if (cJSON_GetArraySize(cJSON_GetObjectItem(root, "left_out")))
		printf("\nleft out:\n");
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "left_out"))
		printf("  %-22s %s\n", get_text(item, "name"), get_text(item, "reason"));
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "complaints"))
		report_error("%s: \"%s\" is passed over: %s", get_text(item, "variable"),
			 get_text(item, "word"), get_text(item, "reason"));
}

enum { OPT_JSON = 1, OPT_METHOD };

static const struct command_option options[] = {
	{ "method", "METHOD", "the request's method; POST by default", WORD_FREE, OPT_METHOD, 0 },
	{ "json", NULL, "for programs", WORD_FREE, OPT_JSON, 0 },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	const char *method = "POST";
	bool json = false, tagged;
	cJSON *root;
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE) {
		if (option == OPT_JSON)
			json = true;
		else if (option == OPT_METHOD)
			method = optarg;
	}
	if (option == OPTION_DONE)
		return code;
	if (argc - optind != 1)
		return usage_error(command, "one URL is wanted");
	root = make_report(method, argv[optind]);
	tagged = cJSON_IsTrue(cJSON_GetObjectItem(root, "tagged"));
	if (json) {
		char *text = cJSON_Print(root);

		puts(text ? text : "{}");
		cJSON_free(text);
	} else {
		print_text(root);
	}
	cJSON_Delete(root);
	return tagged ? EXIT_OK : EXIT_NOTHING;
}

const struct command command_explain = {
	.name = "explain",
	.operands = "URL",
	.summary = "Tell which headers a request would get and why, or why none.",
	.options = options,
	.about = "The exit code is 0 when headers would be added, 1 when none would, 2 for a bad call.",
	.examples = "tagalong run --task T-42 -- tagalong explain http://localhost:8090/v1/messages",
	.run = run,
};
