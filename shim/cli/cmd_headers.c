// SPDX-License-Identifier: MIT
/* tagalong headers: what the rules give for a request now, from the same core as the shim. */
#include "cli/cmd_headers.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "cli/commands.h"
#include "cli/overrides.h"
#include "cli/request_arg.h"

static void print_json(enum tag_verdict verdict, const struct tag_lines *lines)
{
	cJSON *root = headers_object(verdict, lines);
	char *text = cJSON_PrintUnformatted(root);

	puts(text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(root);
}

/* A file, or "-" for standard input: as much of it as the core looks at. */
static int read_body(const char *path, char *memory, size_t size, struct text *ret_body)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;

	if (!file) {
		report_error("cannot read %s: %s", path, strerror(errno));
		return EXIT_TROUBLE;
	}
	*ret_body = (struct text){ memory, fread(memory, 1, size, file) };
	if (file != stdin)
		fclose(file);
	return EXIT_OK;
}

static int print(const char *method, const char *url, struct text body, bool json)
{
	struct tag_lines *lines = NULL;
	struct tag_request request;
	enum tag_verdict verdict = TAG_NO_MEMORY;

	if (request_init(&request, method, url)) {
		request.body = request_body;
		request.body_arg = &body;
		verdict = headers_build(&request, &lines);
	}
	if (json)
		print_json(verdict, lines);
	for (size_t i = 0; !json && lines && i < lines->count; i++)
		puts(lines->line[i].line.ptr);
	free(lines);
	if (verdict == TAG_REFUSED) {
		report_error("a field that the configuration requires has no value: the request is "
			 "not to be sent");
		return EXIT_NOTHING;
	}
	return verdict == TAG_NO_MEMORY ? EXIT_TROUBLE : EXIT_OK;
}

/* FIELD=VALUE: the field's variable in our own environment, the source that wins. */
static int set_pair(const struct command *command, const char *pair)
{
	const char *equals = strchr(pair, '=');
	enum field field;

	if (!equals)
		return usage_error(command, "--set wants FIELD=VALUE, not \"%s\"", pair);
	field = field_by_name((struct text){ pair, (size_t)(equals - pair) });
	if (field == FIELD_COUNT)
		return usage_error(command, "there is no field \"%.*s\"", (int)(equals - pair),
				   pair);
	return setenv(field_variable(field), equals + 1, 1) ? EXIT_TROUBLE : EXIT_OK;
}

enum { OPT_JSON = 1, OPT_METHOD, OPT_BODY, OPT_SET, OPT_STDIO, OPT_AGENT };

static const struct command_option options[] = {
	{ "method", "METHOD", "the request's method; POST by default", WORD_FREE, OPT_METHOD, 0 },
	{ "body", "FILE", "the request's body, for ids that come from it; - for stdin", WORD_FILE,
	  OPT_BODY, 0 },
	{ "set", "FIELD=VALUE", "a context field that wins over all sources; repeatable", WORD_PAIR,
	  OPT_SET, 0 },
	{ "json", NULL, "{\"headers\":[{\"name\":..., \"value\":...}], \"matched\":true}", WORD_FREE,
	  OPT_JSON, 0 },
	{ "stdio", NULL, "many questions: a line of JSON each way, until stdin ends", WORD_FREE,
	  OPT_STDIO, 0 },
	{ "agent", "NAME", "with --stdio: whose helper this is", WORD_AGENT, OPT_AGENT, 0 },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	static char memory[BODY_HEAD_BYTES];
	const char *method = "POST", *agent = NULL;
	struct text body = { NULL, 0 };
	bool json = false, stdio = false;
	int option = OPTION_END, code = EXIT_OK;

	while (code == EXIT_OK && (option = next_option(command, argc, argv, &code)) > OPTION_DONE) {
		if (option == OPT_JSON)
			json = true;
		else if (option == OPT_METHOD)
			method = optarg;
		else if (option == OPT_SET)
			code = set_pair(command, optarg);
		else if (option == OPT_BODY)
			code = read_body(optarg, memory, sizeof(memory), &body);
		else if (option == OPT_STDIO)
			stdio = true;
		else if (option == OPT_AGENT)
			agent = optarg;
	}
	if (code != EXIT_OK || option == OPTION_DONE)
		return code;
	if (stdio)
		return argc == optind ? headers_serve(agent) :
					usage_error(command, "--stdio takes no URL");
	if (agent)
		return usage_error(command, "--agent goes with --stdio");
	if (argc - optind != 1)
		return usage_error(command, "one URL is wanted");
	return print(method, argv[optind], body, json);
}

const struct command command_headers = {
	.name = "headers",
	.operands = "[URL]",
	.summary = "Print the headers that a request would get now, and nothing else.",
	.options = options,
	.about = "One \"Name: value\" a line. Nothing, and exit code 0, when none is to be added; "
		 "\"tagalong explain\" tells why. Exit code 1 when the configuration requires a field "
		 "that has no value: then the request is not to be sent. With --stdio there is no URL "
		 "(docs/agents.md).",
	.examples = "curl -H @<(tagalong headers $URL) -d @chat.json $URL",
	.run = run,
};
