// SPDX-License-Identifier: MIT
/* tagalong doctor: the command, and its reports as text and as JSON. */
#include "cli/doctor/doctor.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/print_json.h"

static const char *const verdict_names[] = { "not", "children", "tagged" };
static const char *const hook_names[] = { "",	 "linked", "plugin", "dl", "node",
					  "bun", "python", "agent",  "env" };

void list_add(struct list *list, const char *text)
{
	list->item = array_grow(list->item, list->count, sizeof(*list->item));
	list->item[list->count++] = text_copy(text_of(text));
}

static void add_list(cJSON *object, const char *name, const struct list *list)
{
	cJSON *array = cJSON_AddArrayToObject(object, name);

	for (size_t i = 0; i < list->count; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(list->item[i]));
}

static const char *built_in(const struct binary *binary)
{
	return binary->has_libcurl ? "libcurl" :
	       binary->is_go	   ? "go" :
	       binary->is_rust	   ? "rust" :
				     NULL;
}

static void print_program_json(const char *command, const struct program_report *report,
			       const struct probe_report *probe)
{
	const struct binary *binary = &report->binary;
	cJSON *root = cJSON_CreateObject(), *object;

	add_text(root, "command", command);
	add_text(root, "path", report->path);
	add_list(root, "scripts", &report->scripts);
	if (report->binary_path[0]) {
		add_text(root, "binary", report->binary_path);
		cJSON_AddNumberToObject(root, "class", binary->is_64 ? 64 : 32);
		add_text(root, "machine", binary_machine(binary));
		add_text(root, "linking", binary->interpreter[0] ? "dynamic" : "static");
		add_text(root, "loader", binary->interpreter[0] ? binary->interpreter : NULL);
		add_text(root, "libc", report->libc);
		add_text(root, "builtin", built_in(binary));
		cJSON_AddBoolToObject(root, "setuid", report->setuid);
		cJSON_AddBoolToObject(root, "capabilities", report->capabilities);
	}
	add_list(root, "libcurl", &report->libcurl);
	add_list(root, "plugins", &report->plugins);
	add_list(root, "bindings", &report->bindings);
	add_list(root, "missing", &report->missing);
	add_text(root, "verdict", verdict_names[report->verdict]);
	add_text(root, "hook", report->hook == HOOK_NONE ? NULL : hook_names[report->hook]);
	add_text(root, "reason", report->reason);
	add_text(root, "advice", report->advice);
	if (probe) {
		object = cJSON_AddObjectToObject(root, "probe");
		cJSON_AddNumberToObject(object, "requests", probe->requests);
		cJSON_AddNumberToObject(object, "tagged", probe->tagged);
		cJSON_AddNumberToObject(object, "other", probe->other);
		add_list(object, "headers", &probe->headers);
		add_text(object, "conversation_from", probe->conversation);
		cJSON_AddNumberToObject(object, "exit_code", probe->exit_code);
	}
	print_json(root, cJSON_Print);
}

static void print_list(const char *label, const struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		printf("  %-10s %s\n", label, make_printable(list->item[i]));
}

static void print_program_text(const char *command, const struct program_report *report,
			       const struct probe_report *probe)
{
	const struct binary *binary = &report->binary;

	printf("%s: %s%s%s\n  %s.\n", command,
	       report->verdict == PROGRAM_TAGGED ? "tagged (hook: " :
	       report->verdict == PROGRAM_NOT_TAGGED ?
						   "not tagged" :
						   "not tagged itself; what it starts is tagged",
	       hook_names[report->hook], report->hook == HOOK_NONE ? "" : ")", report->reason);
	if (report->advice)
		printf("  To do: %s.\n", report->advice);
	printf("\n  %-10s %s\n", "command", report->path);
	print_list("script", &report->scripts);
	if (report->binary_path[0])
		printf("  %-10s %s\n  %-10s %s, %d bit, linked %s%s%s%s%s\n", "binary",
		       report->binary_path, "is", binary_machine(binary), binary->is_64 ? 64 : 32,
		       binary->interpreter[0] ? "dynamically" : "statically",
		       report->libc ? ", for " : "", report->libc ? report->libc : "",
		       report->setuid ? ", setuid or setgid" : "",
		       report->capabilities ? ", file capabilities" : "");
	if (report->binary_path[0] && built_in(binary))
		printf("  %-10s %s\n", "built in", built_in(binary));
	print_list("libcurl", &report->libcurl);
	print_list("plugin", &report->plugins);
	print_list("binding", &report->bindings);
	print_list("missing", &report->missing);
	if (!probe)
		return;
	printf("\nprobe: %u chat request%s arrived, %u tagged; exit code %d\n", probe->requests,
	       probe->requests == 1 ? "" : "s", probe->tagged, probe->exit_code);
	print_list("added", &probe->headers);
	if (probe->tagged)
		printf("  conversation  %s\n",
		       probe->conversation[0] ?
			       probe->conversation :
			       "without an id of its own; presets that need one derive it from the body");
	if (!probe->requests)
		printf("  Pass arguments that make it send one; {url} stands for the relay's "
		       "URL.\n");
}

static bool json, with_probe;

static const struct command_option options[] = {
	{ "probe", NULL, "start COMMAND with a relay on loopback, and report what arrives there",
	  .flag = &with_probe },
	{ "json", NULL, "print JSON", .flag = &json },
	{ 0 },
};

static int check_program(char **argv)
{
	static struct program_report report; /* the process ends with both */
	static struct probe_report probe;
	bool reached;
	int code = EXIT_OK;

	if (!doctor_program(argv[0], &report))
		die(EXIT_TROUBLE, "no such program: %s", argv[0]);
	if (with_probe)
		code = doctor_probe(argv, &probe);
	if (json)
		print_program_json(argv[0], &report, with_probe ? &probe : NULL);
	else
		print_program_text(argv[0], &report, with_probe ? &probe : NULL);
	/* With a probe, what arrived is the answer. */
	reached = with_probe ? probe.tagged > 0 : report.verdict != PROGRAM_NOT_TAGGED;
	return code != EXIT_OK ? code : reached ? EXIT_OK : EXIT_NOTHING;
}

static void print_installation_json(const struct installation *installation)
{
	cJSON *root = cJSON_CreateObject(), *rows = cJSON_AddArrayToObject(root, "rows");

	for (size_t i = 0; i < installation->count; i++) {
		const struct check *check = &installation->checks[i];
		cJSON *row = cJSON_CreateObject();

		add_text(row, "name", check->name);
		add_text(row, "value", check->value);
		add_text(row, "fault", check->fault);
		add_text(row, "advice", check->advice);
		if (check->dns != NAME_NOT_ASKED)
			cJSON_AddBoolToObject(row, "resolves", check->dns == NAME_RESOLVES);
		cJSON_AddItemToArray(rows, row);
	}
	print_json(root, cJSON_Print);
}

static int check_installation(void)
{
	static struct installation installation; /* the process ends with it */
	int code = EXIT_OK;

	doctor_installation(&installation);
	if (json)
		print_installation_json(&installation);
	for (size_t i = 0; i < installation.count; i++) {
		const struct check *check = &installation.checks[i];
		char *fault;

		code = check->fault ? EXIT_NOTHING : code;
		if (json)
			continue;
		printf("%-26s %s%s\n", check->name, make_printable(check->value),
		       check->dns == NAME_RESOLVES ? " (its name resolves)" : "");
		if (check->fault) {
			fault = text_copy(text_of(check->fault));
			printf("%-26s ^ %s\n", "", make_printable(fault));
			free(fault);
		}
		if (check->advice)
			printf("%-26s   %s\n", "", check->advice);
	}
	return code;
}

static int run(const struct command *command, int argc, char **argv)
{
	next_option(command, argc, argv);
	if (optind < argc - 1 && !with_probe)
		usage_error(command, "arguments of COMMAND need --probe");
	if (optind == argc && with_probe)
		usage_error(command, "no command to probe");
	return optind < argc ? check_program(argv + optind) : check_installation();
}

const struct command command_doctor = {
	.name = "doctor",
	.operands = "[COMMAND [ARG...]]",
	.summary = "Check whether and how a program is tagged, or the installation.",
	.options = options,
	.about =
		"With --probe, {url} in ARG stands for the relay's chat URL and {base} for its base URL, "
		"which OPENAI_BASE_URL and the like name as well. Without COMMAND: the installation, "
		"the configuration, the relays and whether their names resolve, the context service, "
		"the environment.\n\n"
		"The exit code is 0 when requests of the program, or of what it starts, are tagged "
		"(with --probe: when one was), and when no fault was found; else 1. 2 for a bad call, 3 "
		"when there is no such program.",
	.examples = "tagalong doctor php\n"
		    "tagalong doctor --probe curl -d '{}' '{url}'",
	.word = WORD_CALL,
	.run = run,
};
