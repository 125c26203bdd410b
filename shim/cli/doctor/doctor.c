// SPDX-License-Identifier: MIT
/* tagalong doctor: can this program be tagged, is all well here? Text is a view of the report. */
#include "cli/doctor/doctor.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor/probe.h"
#include "cli/doctor/program.h"
#include "cli/doctor/self.h"

static const char *get_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return text ? text : "";
}

static int get_number(const cJSON *object, const char *name)
{
	const cJSON *number = cJSON_GetObjectItem(object, name);

	return cJSON_IsNumber(number) ? number->valueint : 0;
}

static void print_json(const cJSON *root)
{
	char *text = cJSON_Print(root);

	puts(text ? text : "{}");
	cJSON_free(text);
}

static void print_list(const cJSON *root, const char *name, const char *label)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, name))
		printf("  %-10s %s\n", label, cJSON_GetStringValue(item));
}

static void print_binary(const cJSON *root)
{
	if (!get_text(root, "binary")[0])
		return;
	printf("  %-10s %s\n  %-10s %s, %d bit, linked %s%s%s%s%s\n", "binary",
	       get_text(root, "binary"), "is", get_text(root, "machine"), get_number(root, "class"),
	       strcmp(get_text(root, "linking"), "static") ? "dynamically" : "statically",
	       get_text(root, "libc")[0] ? ", for " : "", get_text(root, "libc"),
	       cJSON_IsTrue(cJSON_GetObjectItem(root, "setuid")) ? ", setuid or setgid" : "",
	       cJSON_IsTrue(cJSON_GetObjectItem(root, "capabilities")) ? ", file capabilities" : "");
	if (get_text(root, "builtin")[0])
		printf("  %-10s %s\n", "built in", get_text(root, "builtin"));
}

static void print_probe(const cJSON *probe)
{
	int requests = get_number(probe, "requests"), tagged = get_number(probe, "tagged");

	if (!probe)
		return;
	printf("\nprobe: %d chat requests arrived, %d tagged; exit code %d\n", requests, tagged,
	       get_number(probe, "exit_code"));
	print_list(probe, "headers", "added");
	if (!requests)
		printf("  Give the arguments with which it sends one; {url} stands for the relay's URL.\n");
}

static void print_program(const cJSON *root)
{
	const char *verdict = get_text(root, "verdict");
	bool tagged = !strcmp(verdict, "tagged"), children = !strcmp(verdict, "children");

	printf("%s: %s%s%s%s\n  %s.\n", get_text(root, "command"),
	       tagged ? "tagged" : children ? "not itself; what it starts is tagged" : "not tagged",
	       tagged ? " (door: " : "", get_text(root, "door"), tagged ? ")" : "",
	       get_text(root, "reason"));
	if (get_text(root, "advice")[0])
		printf("  To do: %s.\n", get_text(root, "advice"));
	printf("\n  %-10s %s\n", "command", get_text(root, "path"));
	print_list(root, "scripts", "script");
	print_binary(root);
	print_list(root, "libcurl", "libcurl");
	print_list(root, "plugins", "plugin");
	print_list(root, "bindings", "binding");
	print_list(root, "missing", "missing");
	print_probe(cJSON_GetObjectItem(root, "probe"));
}

static int print_self(const cJSON *root, bool json)
{
	const cJSON *row;
	int faults = 0;

	cJSON_ArrayForEach(row, cJSON_GetObjectItem(root, "rows"))
	{
		bool fault = cJSON_HasObjectItem(row, "fault");

		faults += fault;
		if (json)
			continue;
		printf("%-26s %s%s\n", get_text(row, "name"), get_text(row, "value"),
		       cJSON_IsTrue(cJSON_GetObjectItem(row, "reachable")) ? " (its name is known)" : "");
		if (fault)
			printf("%-26s ^ %s\n", "", get_text(row, "fault"));
		if (get_text(row, "advice")[0])
			printf("%-26s   %s\n", "", get_text(row, "advice"));
	}
	if (json)
		print_json(root);
	return faults ? EXIT_NOTHING : EXIT_OK;
}

/* With a probe, what arrived is the answer. */
static bool is_reached(const cJSON *root)
{
	const cJSON *probe = cJSON_GetObjectItem(root, "probe");

	if (probe)
		return get_number(probe, "tagged") > 0;
	return strcmp(get_text(root, "verdict"), "not") != 0;
}

static int look_at(char **argv, bool json, bool probe)
{
	cJSON *root = doctor_program(argv[0]);
	int code = EXIT_OK;

	if (!root) {
		report_error("%s: there is no such program", argv[0]);
		return EXIT_TROUBLE;
	}
	if (probe)
		code = doctor_probe(argv, root);
	if (json)
		print_json(root);
	else
		print_program(root);
	if (code == EXIT_OK)
		code = is_reached(root) ? EXIT_OK : EXIT_NOTHING;
	cJSON_Delete(root);
	return code;
}

static int look_around(bool json)
{
	cJSON *root = doctor_self();
	int code = print_self(root, json);

	cJSON_Delete(root);
	return code;
}

enum { OPT_JSON = 1, OPT_PROBE };

static const struct command_option options[] = {
	{ "probe", NULL, "start it, with a relay on loopback, and tell what really arrived", WORD_FREE,
	  OPT_PROBE, 0 },
	{ "json", NULL, "for programs", WORD_FREE, OPT_JSON, 0 },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	bool json = false, probe = false;
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE) {
		if (option == OPT_JSON)
			json = true;
		else if (option == OPT_PROBE)
			probe = true;
	}
	if (option == OPTION_DONE)
		return code;
	if (optind < argc - 1 && !probe)
		return usage_error(command, "arguments of a program are for --probe");
	if (optind == argc)
		return probe ? usage_error(command, "there is no command to probe") :
			       look_around(json);
	return look_at(argv + optind, json, probe);
}

const struct command command_doctor = {
	.name = "doctor",
	.operands = "[COMMAND [ARG...]]",
	.summary = "Tell whether a program can be tagged, and by which door.",
	.options = options,
	.about = "{url} in the arguments of a program that is probed is the relay's chat URL; "
		 "OPENAI_BASE_URL and the like name it, too. Without a command: the installation, the "
		 "configuration, the relays and whether their names are known here, the service, the "
		 "environment.\n\n"
		 "The exit code is 0 when requests of the program, or of what it starts, are tagged "
		 "(with --probe: when one was), and when nothing is wrong; else 1. 2 for a bad call, 3 "
		 "when there is no such program.",
	.examples = "tagalong doctor php\n"
		    "tagalong doctor --probe curl -d '{}' '{url}'",
	.word = WORD_CALL,
	.run = run,
};
