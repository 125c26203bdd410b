// SPDX-License-Identifier: MIT
/* tagalong explain: what the library would do with a request, from the same core. What the core
 * reports is collected in a struct, which is printed as text or as JSON. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/headers.h"
#include "cli/launch.h"
#include "cli/print_json.h"
#include "core/endpoint.h"
#include "core/variables.h"

struct source {
	char *placeholder, *detail;
	const char *origin;
};

struct header {
	char *name, *value;
	const char *reason; /* why it is left out; NULL: it is sent */
	struct source *sources;
	size_t sources_count;
	unsigned members_left_out;
};

/* A word of a variable that is ignored, and why. */
struct ignored {
	const char *variable, *reason;
	char *word;
};

/* Texts may be NULL where there is nothing to say. */
struct explanation {
	const char *method, *url;
	struct text request_body;
	bool tagged;
	const char *reason; /* static: of a request that is not tagged */
	char *relay, *preset, *configuration;
	const char *preset_from, *endpoint, *fault, *note[TAG_NOTES];
	struct header *headers;
	size_t headers_count;
	struct source *sources; /* of the header that is decided on next */
	size_t sources_count;
	struct ignored *ignored;
	size_t ignored_count;
};

static void on_source(void *arg, struct text placeholder, const char *origin, const char *detail)
{
	struct explanation *report = arg;

	report->sources = array_grow(report->sources, report->sources_count,
				     sizeof(*report->sources));
	report->sources[report->sources_count++] = (struct source){ text_copy(placeholder),
								    text_copy(text_of(detail)),
								    origin };
}

static void on_header(void *arg, struct text name, struct text value, const char *reason)
{
	struct explanation *report = arg;

	report->headers = array_grow(report->headers, report->headers_count,
				     sizeof(*report->headers));
	report->headers[report->headers_count++] = (struct header){
		.name = text_copy(name),
		.value = text_copy(value),
		.reason = reason,
		.sources = report->sources,
		.sources_count = report->sources_count
	};
	report->sources = NULL;
	report->sources_count = 0;
}

static void on_dropped(void *arg, struct text name, unsigned count)
{
	struct explanation *report = arg;

	report->headers[report->headers_count - 1].members_left_out = count;
}

static void on_note(void *arg, enum tag_note note, const char *text)
{
	((struct explanation *)arg)->note[note] = text;
}

static void on_ignored(void *arg, const char *variable, struct text word, const char *reason)
{
	struct explanation *report = arg;

	report->ignored = array_grow(report->ignored, report->ignored_count,
				     sizeof(*report->ignored));
	report->ignored[report->ignored_count++] = (struct ignored){ variable, reason,
								     text_copy(word) };
}

/* "/etc/tagalong/config.json:3", where the configuration has a part in it. */
static void explain_configuration(struct explanation *report,
				  const struct config_snapshot *snapshot, const struct rule *rule)
{
	size_t line = snapshot->line;

	if (snapshot->state == CONFIG_NONE)
		return;
	if (snapshot->state == CONFIG_BAD)
		report->fault = snapshot->reason;
	else if (rule && rule->configured)
		line = rule->configured->line;
	report->configuration = line ? text_format("%s:%zu", snapshot->path, line) :
				       text_format("%s", snapshot->path);
}

static enum tag_verdict ask_core(struct explanation *report)
{
	struct tag_observer observer = { .header = on_header,
					 .source = on_source,
					 .dropped = on_dropped,
					 .note = on_note,
					 .arg = report };
	struct tag_request request;
	struct tag_lines *lines = NULL;
	enum tag_verdict verdict;
	struct tag_match match;
	struct url url;

	if (!request_init(&request, report->method, report->url))
		return TAG_NO_MEMORY;
	request.observer = &observer;
	request.body = request_body;
	request.body_arg = &report->request_body;
	verdict = tag_decide(&request, &match);
	if (verdict == TAG_MATCH) {
		const struct rule *rule = &match.rule;

		report->relay = text_copy(rule->pattern.len ? rule->pattern : TEXT("loopback"));
		report->preset = text_copy(rule->preset);
		report->preset_from = rule->preset_from;
		explain_configuration(report, match.snapshot, rule);
		if (!url_parse(request.api, report->url, &url)) {
			report->endpoint = endpoint_class_of(url.path);
			report->endpoint = report->endpoint ? report->endpoint : "configured";
			url_release(request.api, &url);
		}
		tag_match_release(&match);
		verdict = tag_build(&request, &lines);
		free(lines);
	} else if (verdict == TAG_BAD_CONFIG) {
		explain_configuration(report, match.snapshot, NULL);
		tag_match_release(&match);
	}
	return verdict;
}

/* Such as file:///x, which libcurl accepts, but which goes to nobody. */
static bool has_no_host(const char *url)
{
	CURLU *handle = curl_url();
	char *host = NULL;
	bool none;

	none = handle && !curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) &&
	       curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_NO_HOST;
	curl_free(host);
	curl_url_cleanup(handle);
	return none;
}

static void explain(struct explanation *report)
{
	enum tag_verdict verdict = ask_core(report);

	for (size_t i = 0; verdict == TAG_MATCH && i < report->headers_count; i++)
		report->tagged = report->tagged || !report->headers[i].reason;
	report->reason = verdict == TAG_MATCH && !report->tagged ? "no header has a value" :
								   tag_verdict_reason(verdict);
	if (verdict == TAG_BAD_URL && has_no_host(report->url))
		report->reason = "the URL has no host";
	if (variable_is_on(VARIABLE_OFF)) {
		report->tagged = false;
		report->reason = "TAGALONG_OFF is 1";
	}
	rule_check_environment(on_ignored, report);
}

static cJSON *header_object(const struct header *header)
{
	cJSON *object = cJSON_CreateObject(), *sources, *source;

	add_text(object, "name", header->name);
	add_text(object, header->reason ? "reason" : "value",
		 header->reason ? header->reason : header->value);
	sources = cJSON_AddArrayToObject(object, "sources");
	for (size_t i = 0; i < header->sources_count; i++) {
		source = cJSON_CreateObject();
		add_text(source, "placeholder", header->sources[i].placeholder);
		add_text(source, "origin", header->sources[i].origin);
		add_text(source, "detail", header->sources[i].detail);
		cJSON_AddItemToArray(sources, source);
	}
	if (header->members_left_out)
		cJSON_AddNumberToObject(object, "members_left_out", header->members_left_out);
	return object;
}

static const char *const note_names[TAG_NOTES] = {
	[TAG_NOTE_SERVICE] = "service",
	[TAG_NOTE_MISSING] = "missing",
	[TAG_NOTE_BODY] = "body",
	[TAG_NOTE_PROJECT] = "project",
};

static void print_report(const struct explanation *report)
{
	cJSON *root = cJSON_CreateObject(), *sent, *left_out, *ignored, *item;

	add_text(root, "method", report->method);
	add_text(root, "url", report->url);
	add_text(root, "relay", report->relay);
	add_text(root, "preset", report->preset);
	add_text(root, "preset_from", report->preset_from);
	add_text(root, "configuration", report->configuration);
	add_text(root, "fault", report->fault);
	add_text(root, "endpoint", report->endpoint);
	for (enum tag_note note = 0; note < TAG_NOTES; note++)
		add_text(root, note_names[note], report->note[note]);
	cJSON_AddBoolToObject(root, "tagged", report->tagged);
	add_text(root, "reason", report->reason);
	sent = cJSON_AddArrayToObject(root, "headers");
	left_out = cJSON_AddArrayToObject(root, "left_out");
	for (size_t i = 0; i < report->headers_count; i++)
		cJSON_AddItemToArray(report->headers[i].reason ? left_out : sent,
				     header_object(&report->headers[i]));
	ignored = cJSON_AddArrayToObject(root, "ignored");
	for (size_t i = 0; i < report->ignored_count; i++) {
		item = cJSON_CreateObject();
		add_text(item, "variable", report->ignored[i].variable);
		add_text(item, "word", report->ignored[i].word);
		add_text(item, "reason", report->ignored[i].reason);
		cJSON_AddItemToArray(ignored, item);
	}
	print_json(root, cJSON_Print);
}

static void print_header(const struct header *header)
{
	printf("  %s: %s\n      <- ", make_printable(header->name), make_printable(header->value));
	if (!header->sources_count)
		printf("literal text");
	for (size_t i = 0; i < header->sources_count; i++) {
		const struct source *source = &header->sources[i];

		printf("%s%s (%s%s%s)", i ? ", " : "", source->placeholder, source->origin,
		       source->detail[0] ? ": " : "", make_printable(source->detail));
	}
	putchar('\n');
	if (header->members_left_out)
		printf("      %u members left out\n", header->members_left_out);
}

static void print_text(const struct explanation *report)
{
	char *url = make_printable(text_copy(text_of(report->url)));
	bool first_sent = true, first_left_out = true;

	printf("%s %s\n", report->method, url);
	free(url);
	if (report->tagged)
		printf("tagged: relay %s, endpoint class %s, preset %s\n", report->relay,
		       report->endpoint, report->preset);
	else if (report->note[TAG_NOTE_MISSING])
		printf("refused: %s: %s\n", report->reason, report->note[TAG_NOTE_MISSING]);
	else
		printf("not tagged: %s\n", report->reason);
	if (report->configuration)
		printf("configuration: %s%s%s\n", make_printable(report->configuration),
		       report->fault ? ": " : "", report->fault ? report->fault : "");
	if (report->note[TAG_NOTE_SERVICE])
		printf("%s\n", report->note[TAG_NOTE_SERVICE]);
	if (report->note[TAG_NOTE_BODY])
		printf("no conversation id from the body: %s\n", report->note[TAG_NOTE_BODY]);
	if (report->note[TAG_NOTE_PROJECT])
		printf("no project from git: %s\n", report->note[TAG_NOTE_PROJECT]);
	for (size_t i = 0; i < report->headers_count; i++) {
		if (report->headers[i].reason)
			continue;
		if (first_sent)
			putchar('\n');
		first_sent = false;
		print_header(&report->headers[i]);
	}
	for (size_t i = 0; i < report->headers_count; i++) {
		if (!report->headers[i].reason)
			continue;
		printf("%s  %-22s %s\n", first_left_out ? "\nleft out:\n" : "",
		       report->headers[i].name, report->headers[i].reason);
		first_left_out = false;
	}
	for (size_t i = 0; i < report->ignored_count; i++)
		report_error("ignoring \"%s\" in %s: %s", make_printable(report->ignored[i].word),
			     report->ignored[i].variable, report->ignored[i].reason);
}

static const char *method = "POST", *body_file;
static bool json;

static const struct command_option options[] = {
	REQUEST_OPTIONS,
	{ "json", NULL, "print JSON", .flag = &json },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct explanation report = { .method = NULL }; /* the process ends with it */
	struct launch launch = { 0 };
	int option;

	while ((option = next_option(command, argc, argv)) != OPTION_END)
		launch_option(command, option, optarg, &launch);
	if (argc - optind != 1)
		usage_error(command, "one URL is needed");
	report.method = method;
	report.url = argv[optind];
	report.request_body = request_body_read(body_file);
	explain(&report);
	if (json)
		print_report(&report);
	else
		print_text(&report);
	return report.tagged ? EXIT_OK : EXIT_NOTHING;
}

const struct command command_explain = {
	.name = "explain",
	.operands = "URL",
	.summary = "Show which headers a request would get and why, or why it gets none.",
	.options = options,
	.about = "The exit code is 0 when headers would be added, 1 when none would, 2 for a bad "
		 "call.",
	.examples = "tagalong explain --task T-42 http://localhost:8090/v1/messages",
	.run = run,
};
