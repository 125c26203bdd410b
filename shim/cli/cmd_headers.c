// SPDX-License-Identifier: MIT
/* tagalong headers: the headers that a request would get now, from the same core as the library. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/headers.h"
#include "cli/launch.h"
#include "cli/print_json.h"
#include "core/variables.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/random.h"

/* Its first argument is const in newer libcurl headers, and not in older ones. */
static CURLUcode get_part(CURLU *url, CURLUPart what, char **part, unsigned int flags)
{
	return curl_url_get(url, what, part, flags);
}

bool request_init(struct tag_request *request, const char *method, const char *url)
{
	static const struct url_api api = { curl_url, curl_url_set, get_part, curl_url_cleanup,
					    curl_free };
	uint8_t random[UUID7_RANDOM_BYTES];

	*request = (struct tag_request){ .api = &api, .url = url, .method = method };
	if (random_fill(random, sizeof(random)))
		return false;
	uuid7_make(request->request_id, clock_unix_ns(), random);
	return true;
}

struct text request_body(void *arg)
{
	return *(const struct text *)arg;
}

enum tag_verdict headers_build(const struct tag_request *request, struct tag_lines **ret_lines)
{
	*ret_lines = NULL;
	return variable_is_on(VARIABLE_OFF) ? TAG_NO_RELAY : tag_build(request, ret_lines);
}

cJSON *headers_object(enum tag_verdict verdict, const struct tag_lines *lines)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *headers = cJSON_AddArrayToObject(root, "headers");

	cJSON_AddBoolToObject(root, "matched", verdict == TAG_MATCH || verdict == TAG_REFUSED);
	if (verdict == TAG_REFUSED)
		cJSON_AddBoolToObject(root, "refused", true);
	for (size_t i = 0; lines && i < lines->count; i++) {
		const struct tag_line *line = &lines->line[i];
		char *name = text_copy(tag_line_name(lines, i));
		cJSON *header;

		/* The program that asks can only add headers, not replace its own. */
		if (!line->replaces) {
			header = cJSON_CreateObject();
			cJSON_AddStringToObject(header, "name", name);
			cJSON_AddStringToObject(header, "value",
						tag_line_text(lines, i).ptr + line->name_len + 2);
			cJSON_AddItemToArray(headers, header);
		}
		free(name);
	}
	return root;
}

struct text request_body_read(const char *path)
{
	static char memory[BODY_HEAD_BYTES];
	struct text body = { memory, 0 };
	FILE *file;

	if (!path)
		return body;
	file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!file)
		die(EXIT_TROUBLE, "cannot read %s: %s", path, strerror(errno));
	body.len = fread(memory, 1, sizeof(memory), file);
	if (file != stdin)
		fclose(file);
	return body;
}

static const char *method = "POST", *body_file, *agent;
static bool json, stdio;

static const struct command_option options[] = {
	REQUEST_OPTIONS,
	{ "json", NULL, "print {\"headers\":[{\"name\":..., \"value\":...}], \"matched\":true}",
	  .flag = &json },
	{ "stdio", NULL, "answer questions on stdin, one line of JSON each", .flag = &stdio },
	{ "agent", "NAME", "with --stdio: the agent that asks", WORD_AGENT, .text = &agent },
	{ 0 },
};

static int print_headers(const char *url)
{
	struct text body = request_body_read(body_file);
	struct tag_lines *lines = NULL;
	struct tag_request request;
	enum tag_verdict verdict = TAG_NO_MEMORY;

	if (request_init(&request, method, url)) {
		request.body = request_body;
		request.body_arg = &body;
		verdict = headers_build(&request, &lines);
	}
	if (json)
		print_json(headers_object(verdict, lines), cJSON_PrintUnformatted);
	for (size_t i = 0; !json && lines && i < lines->count; i++)
		puts(tag_line_text(lines, i).ptr);
	free(lines);
	if (verdict == TAG_REFUSED)
		die(EXIT_NOTHING, "the configuration requires a field that has no value: do not "
				  "send this request");
	return verdict == TAG_NO_MEMORY ? EXIT_TROUBLE : EXIT_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct launch launch = { 0 };
	int option;

	while ((option = next_option(command, argc, argv)) != OPTION_END)
		launch_option(command, option, optarg, &launch);
	if (stdio && optind < argc)
		usage_error(command, "--stdio takes no URL");
	if (stdio)
		return headers_serve(agent);
	if (agent)
		usage_error(command, "--agent needs --stdio");
	if (argc - optind != 1)
		usage_error(command, "one URL is needed");
	return print_headers(argv[optind]);
}

const struct command command_headers = {
	.name = "headers",
	.operands = "[URL]",
	.summary = "Print the headers that a request would get now, and nothing else.",
	.options = options,
	.about = "One \"Name: value\" per line; nothing, and exit code 0, when no header would be "
		 "added (tagalong explain says why). Exit code 1: the configuration requires a "
		 "field that has no value, so the request must not be sent. With --stdio there is "
		 "no URL (docs/agents.md).",
	.examples = "curl -H @<(tagalong headers $URL) -d @chat.json $URL",
	.run = run,
};
