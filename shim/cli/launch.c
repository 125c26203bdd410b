// SPDX-License-Identifier: MIT
/* Options into environment variables, and the library into LD_PRELOAD. scripts/tagalong-run does
 * the same in sh. */
#include "cli/launch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/context.h"
#include "core/header.h"
#include "core/preset.h"
#include "core/relay.h"
#include "core/trace.h"
#include "core/variables.h"
#include "lib/limits.h"

#define LIBRARY "libtagalong.so"
#define BELOW_LIB "/tagalong/" LIBRARY
#define MULTIARCH_PLACE "/lib/" TAGALONG_MULTIARCH BELOW_LIB

static const struct {
	const char *name; /* in TAGALONG_HOOKS */
	const char *file; /* in hooks/ */
	const char *variable;
	const char *option; /* in it, before the path */
	const char *forbidden; /* characters that a path in the variable cannot have */
} runtimes[RUNTIME_HOOKS] = {
	/* Words of NODE_OPTIONS may be quoted, but not every tool that reads it knows that. */
	[RUNTIME_NODE] = { "node", "node/tagalong.cjs", "NODE_OPTIONS", "--require ", " \"\\" },
	/* With a blank in place of "=", "bun run" takes the path for the program. */
	[RUNTIME_BUN] = { "bun", "node/tagalong.cjs", "BUN_OPTIONS", "--preload=", " \"'\\" },
	[RUNTIME_PYTHON] = { "python", "python/sitecustomize.py", "PYTHONPATH", "", ":" },
};

static void set_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		die(EXIT_TROUBLE, "cannot set %s: %s", name, strerror(errno));
}

/* Why the library would leave the value out, which is better said now. NULL if it would not. */
static const char *value_fault(enum field field, struct text value)
{
	char memory[LIST_BYTES_MAX * 3 + 1];
	struct trace trace;
	enum header_error fault;
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	if (field == FIELD_TRACEPARENT)
		return trace_parse(value, &trace) ? "is not a W3C traceparent" : NULL;
	if (field == FIELD_TRACESTATE)
		return tracestate_add(&buf, value, VALUE_BYTES_MAX) ? "is not a W3C tracestate" :
								      NULL;
	if (field == FIELD_TAGS && text_find(value, '=') < 0)
		return "is not a list of KEY=VALUE pairs";
	fault = header_value_add(&buf, value,
				 field == FIELD_TAGS || field == FIELD_BAGGAGE ?
					 sizeof(memory) - 1 :
					 VALUE_BYTES_MAX);
	return fault == HEADER_OK ? NULL : header_error_text(fault);
}

static void set_field(const struct command *command, enum field field, const char *value)
{
	const char *fault = value_fault(field, text_of(value));

	if (fault)
		usage_error(command, "the value of %s %s", field_name(field), fault);
	set_variable(field_variable(field), value);
}

static void set_pair(const struct command *command, const char *pair)
{
	const char *equals = strchr(pair, '=');

	if (!equals)
		usage_error(command, "--set needs FIELD=VALUE, not \"%s\"", pair);
	set_field(command, field_argument(command, (struct text){ pair, (size_t)(equals - pair) }),
		  equals + 1);
}

static void add_relay(const struct command *command, const char *pattern, const char *before)
{
	const char *reason;
	struct relay relay;
	char *list;

	if (strchr(pattern, ','))
		usage_error(command, "--relay takes one pattern; repeat it for another");
	if (relay_parse(text_of(pattern), &relay, &reason))
		usage_error(command, "relay \"%s\": %s", pattern, reason);
	list = text_format("%s%s%s", before ? before : "", before ? "," : "", pattern);
	set_variable(variable_name(VARIABLE_RELAYS), list);
	free(list);
}

void launch_option(const struct command *command, int option, const char *argument,
		   struct launch *launch)
{
	const char *relays = launch->has_relay ? variable_get(VARIABLE_RELAYS) : NULL;

	switch (option) {
	case OPT_TASK:
		set_field(command, FIELD_TASK_ID, argument);
		break;
	case OPT_CONVERSATION:
		set_field(command, FIELD_CONVERSATION_ID, argument);
		break;
	case OPT_PROJECT:
		set_field(command, FIELD_PROJECT_ID, argument);
		break;
	case OPT_SET:
		set_pair(command, argument);
		break;
	case OPT_RELAY:
		launch->has_relay = true;
		add_relay(command, argument, relays);
		break;
	case OPT_PRESET:
		if (!preset_exists(text_of(argument)))
			usage_error(command, "unknown preset \"%s\" (see tagalong presets)",
				    argument);
		set_variable(variable_name(VARIABLE_PRESET), argument);
		break;
	case OPT_NO_SERVICE:
		launch->no_service = true;
		break;
	case OPT_DEBUG:
		launch->debug = true;
		set_variable(variable_name(VARIABLE_DEBUG), "stderr");
		break;
	}
}

/* The place of a file that is installed with the library: "libtagalong.so" or another name. */
static bool find_beside(const char *name, char ret_path[PATH_BYTES_MAX])
{
	static const char *const places[] = {
		"",
		"../lib/tagalong/",
		"../lib/" TAGALONG_MULTIARCH "/tagalong/",
		"../lib64/tagalong/",
	};
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program));
	bool found = false;

	if (len <= 0 || (size_t)len >= sizeof(program))
		return false;
	program[len] = '\0';
	*strrchr(program, '/') = '\0';
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++)
		found = snprintf(ret_path, PATH_BYTES_MAX, "%s/%s%s", program, places[i], name) <
				PATH_BYTES_MAX &&
			!access(ret_path, R_OK);
	return found;
}

/* A relative path would mean another file in a child that changes its folder. */
static int make_absolute(char path[PATH_BYTES_MAX])
{
	char absolute[PATH_MAX];

	if (!realpath(path, absolute))
		return -ENOENT;
	memcpy(path, absolute, strlen(absolute) + 1);
	return 0;
}

int library_path(char ret_path[PATH_BYTES_MAX])
{
	const char *named = variable_get(VARIABLE_LIB);
	int result;

	if (named ? snprintf(ret_path, PATH_BYTES_MAX, "%s", named) >= PATH_BYTES_MAX ||
			    access(ret_path, R_OK) :
		    !find_beside(LIBRARY, ret_path))
		return -ENOENT;
	result = make_absolute(ret_path);
	return result ? result : strpbrk(ret_path, " :") ? -EINVAL : 0;
}

bool library_has_lib_token(const char *path)
{
	/* $TAGALONG_LIB stays as it is. */
	return TAGALONG_MULTIARCH[0] && !variable_get(VARIABLE_LIB) &&
	       text_ends_with(text_of(path), TEXT(MULTIARCH_PLACE));
}

void library_others(const char *path, void (*on_other)(void *arg, const char *path), void *arg)
{
	struct text text = text_of(path), place = TEXT(MULTIARCH_PLACE);
	char folder[PATH_MAX], other[PATH_MAX];
	struct dirent *entry;
	DIR *lib;

	if (!TAGALONG_MULTIARCH[0] || !text_ends_with(text, place))
		return;
	snprintf(folder, sizeof(folder), "%.*s/lib", (int)(text.len - place.len), path);
	lib = opendir(folder);
	while (lib && (entry = readdir(lib))) {
		int len = snprintf(other, sizeof(other), "%s/%s" BELOW_LIB, folder, entry->d_name);

		if (strstr(entry->d_name, "-linux-") && strcmp(entry->d_name, TAGALONG_MULTIARCH) &&
		    len < (int)sizeof(other) && !access(other, R_OK))
			on_other(arg, other);
	}
	if (lib)
		closedir(lib);
}

int hook_path(const char *name, char ret_path[PATH_BYTES_MAX])
{
	char library[PATH_BYTES_MAX];
	int result = library_path(library);

	if ((result && result != -EINVAL) ||
	    snprintf(ret_path, PATH_BYTES_MAX, "%.*shooks/%s",
		     (int)(program_name(library) - library), library, name) >= PATH_BYTES_MAX)
		return -ENOENT;
	return make_absolute(ret_path);
}

bool hook_wanted(const char *name)
{
	struct text rest = text_of(variable_get(VARIABLE_HOOKS)), word;
	bool wanted = !rest.len;

	while (text_next(&rest, ',', &word))
		wanted = wanted || text_eq(text_trim(word), text_of(name));
	return wanted;
}

bool runtime_hook(enum runtime_hook hook, char ret_path[PATH_BYTES_MAX])
{
	/* Node and Bun end with an error when the file cannot be loaded, so it is looked for
	 * now. */
	if (!hook_wanted(runtimes[hook].name) || hook_path(runtimes[hook].file, ret_path) ||
	    strpbrk(ret_path, runtimes[hook].forbidden))
		return false;
	if (hook == RUNTIME_PYTHON) /* the variable names the folder */
		*strrchr(ret_path, '/') = '\0';
	return true;
}

/* Whether an entry of the list, between these separators, is the text or ends in it. */
static bool has_entry(const char *list, const char *separators, struct text entry, struct text end)
{
	for (size_t len; list && *list; list += len + (list[len] != '\0')) {
		struct text part;

		len = strcspn(list, separators);
		part = (struct text){ list, len };
		if (text_eq(part, entry) || text_ends_with(part, end))
			return true;
	}
	return false;
}

/* Joins two texts, of which one may be empty, and sets the variable. */
static void set_joined(const char *name, const char *first, const char *separator,
		       const char *second)
{
	char *value = text_format("%s%s%s", first, first[0] && second[0] ? separator : "", second);

	set_variable(name, value);
	free(value);
}

/* Values of the user's stay. Without a hook the others still work. */
static void add_runtime_hook(enum runtime_hook hook)
{
	const char *variable = runtimes[hook].variable, *before = getenv(variable);
	char path[PATH_BYTES_MAX], option[PATH_BYTES_MAX + 16];
	struct text file = text_of(runtimes[hook].file);

	if (!runtime_hook(hook, path))
		return;
	before = before ? before : "";
	snprintf(option, sizeof(option), "%s%s", runtimes[hook].option, path);
	/* In front: of several sitecustomize.py the first is loaded, and ours loads the next. */
	if (hook == RUNTIME_PYTHON && !has_entry(before, ":", text_of(path), text_of(path)))
		set_joined(variable, path, ":", before);
	if (hook != RUNTIME_PYTHON && !has_entry(before, " ", file, file))
		set_joined(variable, before, " ", option);
}

/* Equal words in two terminals are two conversations, so the id is made with the place, too: the
 * host and the session. A command that leads a session of its own, as editors start them, belongs
 * to the one that it was started from. */
static void set_place(void)
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

void launch_hooks(void)
{
	const char *before = getenv("LD_PRELOAD"), *asan = getenv("ASAN_OPTIONS");
	char path[PATH_BYTES_MAX];
	int result = library_path(path);

	if (result == -EINVAL)
		die(EXIT_TROUBLE,
		    "LD_PRELOAD cannot hold a path with a space or a colon: %s; install Tagalong "
		    "elsewhere",
		    path);
	if (result)
		die(EXIT_TROUBLE, "cannot find " LIBRARY
				  " beside this program or in ../lib/tagalong; set TAGALONG_LIB to "
				  "its path");
	/* So 32-bit programs get their library when there is one. It is shorter than what was
	 * there. */
	if (library_has_lib_token(path))
		memcpy(path + strlen(path) - TEXT(MULTIARCH_PLACE).len, "/$LIB" BELOW_LIB,
		       sizeof("/$LIB" BELOW_LIB));
	if (!has_entry(before, " :", TEXT(LIBRARY), TEXT("/" LIBRARY)))
		set_joined("LD_PRELOAD", before ? before : "", ":", path);
	/* GCC's AddressSanitizer ends a program that loads a library before its runtime, unless
	 * set not to. */
	if (!strstr(asan ? asan : "", "verify_asan_link_order"))
		set_joined("ASAN_OPTIONS", asan ? asan : "", ":", "verify_asan_link_order=0");
	set_place();
	for (enum runtime_hook hook = 0; hook < RUNTIME_HOOKS; hook++)
		add_runtime_hook(hook);
}

void exec_tools(char **argv)
{
	char path[PATH_BYTES_MAX];

	if (!find_beside("tagalong-tools", path))
		die(EXIT_TROUBLE,
		    "cannot find tagalong-tools beside this program or in ../lib/tagalong");
	argv[0] = (char *)program_path();
	execv(path, argv);
	die(EXIT_TROUBLE, "cannot run %s: %s", path, strerror(errno));
}
