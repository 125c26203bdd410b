// SPDX-License-Identifier: MIT
/*
 * How a command is started: the options of tagalong run, which acts on them, and of tagalong wrap,
 * which writes them down; and the shim's place in LD_PRELOAD. All of it goes into the environment.
 */
#include "cli/launch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/limits.h"
#include "core/variables.h"
#include "cli/library_path.h"
#include "cli/runtime_hook.h"
#include "core/context.h"
#include "core/header.h"
#include "core/preset.h"
#include "core/trace.h"
#include "core/relay.h"

static bool put(const char *name, const char *value)
{
	if (!setenv(name, value, 1))
		return true;
	report_error("cannot set %s: %s", name, strerror(errno));
	return false;
}

/* What would make the shim leave the value out, said now, to the one who gave it. NULL if nothing. */
static const char *value_fault(enum field field, struct text value)
{
	char memory[LIST_BYTES_MAX * 3 + 1];
	struct trace trace;
	enum header_error fault;
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
	return fault == HEADER_OK ? NULL : header_error_text(fault);
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
	fprintf(stderr, "tagalong %s: there is no field \"%.*s\"; the fields are:", command->name,
		(int)equals, pair);
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

int launch_option(const struct command *command, int option, const char *argument,
		  struct launch *launch)
{
	bool first_relay = !launch->has_relay;

	switch (option) {
	case OPT_PRESET:
		return set_preset(command, argument);
	case OPT_RELAY:
		launch->has_relay = true;
		return add_relay(command, argument, first_relay);
	case OPT_TASK:
		return set_field(command, FIELD_TASK_ID, argument);
	case OPT_CONVERSATION:
		return set_field(command, FIELD_CONVERSATION_ID, argument);
	case OPT_PROJECT:
		return set_field(command, FIELD_PROJECT_ID, argument);
	case OPT_SET:
		return set_pair(command, argument);
	case OPT_NO_SERVICE:
		launch->no_service = true;
		return EXIT_OK;
	case OPT_DEBUG:
		launch->debug = true;
		return put(variable_name(VARIABLE_DEBUG), "stderr") ? EXIT_OK : EXIT_TROUBLE;
	default:
		return EXIT_USAGE; /* none of ours: the command has asked wrongly */
	}
}

static int preload(void)
{
	char memory[PATH_MAX], *value;
	const char *before = getenv("LD_PRELOAD");
	struct buf path, list;
	size_t size;
	int result, code;

	buf_init(&path, memory, sizeof(memory));
	result = library_preload(&path);
	if (result == -EINVAL) {
		report_error("the library's path has a space or a colon, which LD_PRELOAD cannot hold: "
			 "%s; move or install it elsewhere", path.data);
		return EXIT_TROUBLE;
	}
	if (result) {
		report_error("cannot find libtagalong.so beside this program, nor in ../lib; "
			 "TAGALONG_LIB can name it");
		return EXIT_TROUBLE;
	}
	size = path.len + (before ? strlen(before) : 0) + 2;
	value = malloc(size);
	if (!value) {
		report_error("out of memory");
		return EXIT_TROUBLE;
	}
	buf_init(&list, value, size);
	preload_value(before, (struct text){ path.data, path.len }, &list);
	code = put("LD_PRELOAD", value) ? EXIT_OK : EXIT_TROUBLE;
	free(value);
	return code;
}

/* Whatever goes wrong here, the other hooks work. */
static void add_runtime_hook(enum runtime_hook hook)
{
	const char *variable = runtime_hook_variable(hook), *before = getenv(variable);
	char memory[PATH_MAX], *value;
	struct buf path, list;
	size_t size;

	buf_init(&path, memory, sizeof(memory));
	if (!runtime_hook(hook, &path))
		return;
	size = path.len + (before ? strlen(before) : 0) + sizeof(" --require ");
	value = malloc(size);
	if (!value)
		return;
	buf_init(&list, value, size);
	runtime_hook_value(hook, before, buf_since(&path, 0), &list);
	setenv(variable, value, 1);
	free(value);
}

/* Equal words in two terminals are two conversations, so the id is made with the place, too: the host
 * and the session. A command that leads a session of its own, as editors start them, belongs to the
 * one that it was started from. */
static void put_place(void)
{
	pid_t session = getsid(0);
	char value[128];
	struct utsname system;

	if (session == getpid())
		session = getsid(getppid());
	if (session < 0 || uname(&system) < 0)
		return;
	snprintf(value, sizeof(value), "%s-%d", system.nodename, (int)session);
	setenv(variable_name(VARIABLE_RUN), value, 1);
}

int launch_doors(void)
{
	int code = preload();

	put_place();

	for (enum runtime_hook hook = 0; code == EXIT_OK && hook < RUNTIME_HOOKS; hook++)
		add_runtime_hook(hook);
	return code;
}
