// SPDX-License-Identifier: MIT
/* tagalong headers: what the rules give for a request now, from the same core as the shim. */
#include "cli/headers.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/variables.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/request.h"

enum tag_verdict headers_build(const struct tag_request *request, struct tag_lines **ret_lines)
{
	*ret_lines = NULL;
	return variable_is_on(VARIABLE_OFF) ? TAG_NO_RELAY : tag_build(request, ret_lines);
}

cJSON *headers_object(enum tag_verdict verdict, const struct tag_lines *lines)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *headers = cJSON_AddArrayToObject(root, "headers");

	cJSON_AddBoolToObject(root, "matched", verdict == TAG_MATCH);
	for (size_t i = 0; lines && i < lines->count; i++) {
		const struct tag_line *line = &lines->line[i];
		cJSON *header = cJSON_CreateObject();
		char name[NAME_BYTES_MAX + 1];

		memcpy(name, line->name.ptr, line->name.len);
		name[line->name.len] = '\0';
		cJSON_AddStringToObject(header, "name", name);
		cJSON_AddStringToObject(header, "value", line->line.ptr + line->name.len + 2);
		cJSON_AddItemToArray(headers, header);
	}
	return root;
}

static void print_json(enum tag_verdict verdict, const struct tag_lines *lines)
{
	cJSON *root = headers_object(verdict, lines);
	char *text = cJSON_PrintUnformatted(root);

	puts(text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(root);
}

static int print(const char *method, const char *url, bool json)
{
	struct tag_lines *lines = NULL;
	struct tag_request request;
	enum tag_verdict verdict = TAG_NO_MEMORY;

	if (request_init(&request, method, url))
		verdict = headers_build(&request, &lines);
	if (json)
		print_json(verdict, lines);
	for (size_t i = 0; !json && lines && i < lines->count; i++)
		puts(lines->line[i].line.ptr);
	free(lines);
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
		return usage_error(command, "there is no field \"%.*s\"", (int)(equals - pair), pair);
	return setenv(field_variable(field), equals + 1, 1) ? EXIT_TROUBLE : EXIT_OK;
}

enum { OPT_STDIO = 256, OPT_SET, OPT_AGENT };

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "method", required_argument, NULL, 'm' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "stdio", no_argument, NULL, OPT_STDIO },
	{ "agent", required_argument, NULL, OPT_AGENT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	const char *method = "POST", *agent = NULL;
	bool json = false, stdio = false;
	int option, code = EXIT_OK;

	opterr = 0;
	while (code == EXIT_OK && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'm')
			method = optarg;
		else if (option == OPT_SET)
			code = set_pair(command, optarg);
		else if (option == OPT_STDIO)
			stdio = true;
		else if (option == OPT_AGENT)
			agent = optarg;
		else if (option == 'h')
			return print_help(command);
		else
			return usage_error(command, "\"%s\" is not understood, or wants a value",
					   argv[optind - 1]);
	}
	if (code != EXIT_OK)
		return code;
	if (stdio)
		return argc == optind ? headers_serve(agent) :
					usage_error(command, "--stdio takes no URL");
	if (agent)
		return usage_error(command, "--agent goes with --stdio");
	if (argc - optind != 1)
		return usage_error(command, "one URL is wanted");
	return print(method, argv[optind], json);
}

const struct command command_headers = {
	.name = "headers",
	.arguments = "[--json] [--method METHOD] [--set FIELD=VALUE] URL | --stdio [--agent NAME]",
	.summary = "Print the headers that a request would get now, for programs that add them.",
	.help = "  --method METHOD     the request's method; POST by default\n"
		"  --set FIELD=VALUE   a context field that wins over all sources; can be given again\n"
		"  --json              {\"matched\":true,\"headers\":[{\"name\":...,\"value\":...}]}\n"
		"  --stdio             many questions: a line of JSON each way, until standard input\n"
		"                      ends (docs/agents.md)\n"
		"  --agent NAME        with --stdio: whose helper this is, for \"tagalong agents status\"\n\n"
		"One \"Name: value\" a line. Nothing, and exit code 0, when none is to be added;\n"
		"\"tagalong explain\" tells why.\n\n"
		"  curl -H @<(tagalong headers $URL) -d @chat.json $URL\n",
	.run = run,
};
