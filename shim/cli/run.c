// SPDX-License-Identifier: MIT
/* tagalong run: sets the environment and becomes the command. No process is left in between. */
#include "cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/variables.h"
#include "cli/library_path.h"
#include "cli/node_door.h"
#include "cli/scope.h"
#include "context/context.h"
#include "headers/header.h"
#include "headers/preset.h"
#include "headers/trace.h"
#include "policy/relay.h"

enum { OPT_PRESET = 256, OPT_RELAY, OPT_TASK, OPT_CONVERSATION, OPT_PROJECT, OPT_SET, OPT_DEBUG, OPT_NO_SERVICE };

static const struct option options[] = {
	{ "preset", required_argument, NULL, OPT_PRESET },
	{ "relay", required_argument, NULL, OPT_RELAY },
	{ "task", required_argument, NULL, OPT_TASK },
	{ "conversation", required_argument, NULL, OPT_CONVERSATION },
	{ "project", required_argument, NULL, OPT_PROJECT },
	{ "set", required_argument, NULL, OPT_SET },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "no-service", no_argument, NULL, OPT_NO_SERVICE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool put(const char *name, const char *value)
{
	if (!setenv(name, value, 1))
		return true;
	complain("cannot set %s: %s", name, strerror(errno));
	return false;
}

/* What would make the shim leave the value out, said now, to the one who gave it. NULL if nothing. */
static const char *value_fault(enum field field, struct text value)
{
	char memory[LIST_BYTES_MAX * 3 + 1];
	struct trace trace;
	enum header_fault fault;
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	if (field == FIELD_TRACEPARENT)
		return trace_parse(value, &trace) ? "is no W3C traceparent" : NULL;
	if (field == FIELD_TRACESTATE)
		return tracestate_add(&buf, value, VALUE_BYTES_MAX) ? "is no W3C tracestate" : NULL;
	if (field == FIELD_TAGS && text_find(value, '=') < 0)
		return "is no list of key=value pairs";
	if (field == FIELD_TAGS || field == FIELD_BAGGAGE)
		fault = header_value_add(&buf, value, sizeof(memory) - 1);
	else
		fault = header_value_add(&buf, value, VALUE_BYTES_MAX);
	return fault == HEADER_OK ? NULL : header_fault_reason(fault);
}

static int set_field(const struct command *command, enum field field, const char *value)
{
	const char *fault = value_fault(field, text_of(value));

	if (fault)
		return usage_error(command, "the value of %s %s", field_name(field), fault);
	return put(field_variable(field), value) ? EXIT_OK : EXIT_TROUBLE;
}

static int set_pair(const struct command *command, const char *pair)
{
	struct text text = text_of(pair);
	ptrdiff_t equals = text_find(text, '=');
	enum field field;

	if (equals < 0)
		return usage_error(command, "--set wants FIELD=VALUE, not \"%s\"", pair);
	field = field_by_name((struct text){ pair, (size_t)equals });
	if (field < FIELD_COUNT)
		return set_field(command, field, pair + equals + 1);
	fprintf(stderr, "tagalong run: there is no field \"%.*s\"; the fields are:", (int)equals, pair);
	for (field = 0; field < FIELD_COUNT; field++)
		fprintf(stderr, " %s", field_name(field));
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* The first --relay replaces an inherited list, further ones are added. */
static int add_relay(const struct command *command, const char *pattern, bool first)
{
	const char *before = first ? NULL : variable_get(VARIABLE_RELAYS);
	const char *reason;
	struct relay relay;
	char *list = NULL;
	int code;

	if (strchr(pattern, ','))
		return usage_error(command, "--relay takes one pattern; give it again for another");
	if (relay_parse(text_of(pattern), &relay, &reason))
		return usage_error(command, "relay \"%s\": %s", pattern, reason);
	if (asprintf(&list, "%s%s%s", before ? before : "", before ? "," : "", pattern) < 0)
		return EXIT_TROUBLE;
	code = put(variable_name(VARIABLE_RELAYS), list) ? EXIT_OK : EXIT_TROUBLE;
	free(list);
	return code;
}

static int set_preset(const struct command *command, const char *name)
{
	struct preset preset;

	if (preset_find(text_of(name), &preset))
		return usage_error(command, "there is no preset \"%s\"; tagalong presets lists them",
				   name);
	return put(variable_name(VARIABLE_PRESET), name) ? EXIT_OK : EXIT_TROUBLE;
}

static int preload(void)
{
	char memory[PATH_MAX], *value;
	const char *before = getenv("LD_PRELOAD");
	struct buf path, list;
	size_t size;
	int result, code;

	buf_init(&path, memory, sizeof(memory));
	result = library_path(&path);
	if (result == -EINVAL) {
		complain("the library's path has a space or a colon, which LD_PRELOAD cannot hold: "
			 "%s; move or install it elsewhere", path.data);
		return EXIT_TROUBLE;
	}
	if (result) {
		complain("cannot find libtagalong.so beside this program, nor in ../lib/tagalong; "
			 "TAGALONG_LIB can name it");
		return EXIT_TROUBLE;
	}
	size = path.len + (before ? strlen(before) : 0) + 2;
	value = malloc(size);
	if (!value) {
		complain("out of memory");
		return EXIT_TROUBLE;
	}
	buf_init(&list, value, size);
	preload_value(before, (struct text){ path.data, path.len }, &list);
	code = put("LD_PRELOAD", value) ? EXIT_OK : EXIT_TROUBLE;
	free(value);
	return code;
}

/* Whatever goes wrong here, the other doors are open. */
static void open_node_door(void)
{
	const char *before = getenv("NODE_OPTIONS");
	char memory[PATH_MAX], *value;
	struct buf path, list;
	size_t size;

	buf_init(&path, memory, sizeof(memory));
	if (!node_door(&path))
		return;
	size = path.len + (before ? strlen(before) : 0) + sizeof(" --require ");
	value = malloc(size);
	if (!value)
		return;
	buf_init(&list, value, size);
	node_options(before, buf_since(&path, 0), &list);
	setenv("NODE_OPTIONS", value, 1);
	free(value);
}

static int become(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	complain("cannot run %s: %s", argv[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int run(const struct command *command, int argc, char **argv)
{
	bool first_relay = true, service = true, debug = false;
	int option, code = EXIT_OK;

	opterr = 0;
	/* "+": the command's own options are not ours. */
	while (code == EXIT_OK && (option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case OPT_PRESET:
			code = set_preset(command, optarg);
			break;
		case OPT_RELAY:
			code = add_relay(command, optarg, first_relay);
			first_relay = false;
			break;
		case OPT_TASK:
			code = set_field(command, FIELD_TASK_ID, optarg);
			break;
		case OPT_CONVERSATION:
			code = set_field(command, FIELD_CONVERSATION_ID, optarg);
			break;
		case OPT_PROJECT:
			code = set_field(command, FIELD_PROJECT_ID, optarg);
			break;
		case OPT_SET:
			code = set_pair(command, optarg);
			break;
		case OPT_NO_SERVICE:
			service = false;
			break;
		case OPT_DEBUG:
			debug = true;
			code = put(variable_name(VARIABLE_DEBUG), "stderr") ? EXIT_OK : EXIT_TROUBLE;
			break;
		case 'h':
			return print_help(command);
		default:
			return usage_error(command, "\"%s\" is not understood, or wants a value",
					   argv[optind - 1]);
		}
	}
	if (code != EXIT_OK)
		return code;
	if (optind == argc)
		return usage_error(command, "there is no command to run");
	code = preload();
	if (code != EXIT_OK)
		return code;
	open_node_door();
	if (service)
		scope_open(debug);
	return become(argv + optind);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[OPTION...] [--] COMMAND [ARG...]",
	.summary = "Run a command; its chat requests, and its children's, are tagged.",
	.help = "  --task ID            the current task\n"
		"  --conversation ID    the current conversation\n"
		"  --project ID         the project; by default the name of the git origin\n"
		"  --set FIELD=VALUE    any context field\n"
		"  --relay PATTERN      tag requests to this relay; can be given again\n"
		"                       (without one: loopback only)\n"
		"  --preset NAME        whose headers to send; tagalong presets lists them\n"
		"  --no-service         the environment alone, no context service\n"
		"  --debug              say on stderr what is decided, one line for each decision\n\n"
		"The exit code is the command's own; 127 when it is not found, 126 when it cannot be\n"
		"run, 2 for a bad option, 3 when the shim cannot be loaded.\n\n"
		"  tagalong run --task T-42 --relay https://relay.example.com -- nvim\n",
	.run = run,
};
