// SPDX-License-Identifier: MIT
/* Putting our part into an agent's configuration and taking it out. The receipt has what was
 * written, to the byte, so that uninstall leaves the file as it was; where somebody changed the
 * file since, the element alone is taken out, and where that cannot be found, nothing is
 * touched. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/agents/agents.h"
#include "cli/agents/jsonc.h"
#include "cli/agents/toml.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/launch.h"
#include "core/config.h"
#include "core/context.h"
#include "core/folder.h"
#include "core/preset.h"
#include "core/variables.h"
#include "lib/limits.h"

/* A file of the agent's as it is and as it is to be. */
struct change {
	char path[PATH_BYTES_MAX];
	char *before; /* NULL: there is no such file */
	size_t before_len;
	char *after; /* NULL: there is to be none */
	size_t after_len;
};

/* Finds the agent's file and reads it, if it is there. False after a report. */
static bool load(const struct agent *agent, struct change *change)
{
	const char *named = agent->variable ? variable_get_named(agent->variable) : NULL;
	const char *home = variable_get_named("HOME");
	bool is_named = named && named[0] == '/';
	struct stat status;
	int result;

	*change = (struct change){ .before = NULL };
	if (!is_named && (!home || home[0] != '/')) {
		report_error("cannot find the configuration of %s: HOME is not an absolute path",
			     agent->title);
		return false;
	}
	for (int i = 0; i < 2 && (i == 0 || agent->files[i]); i++) {
		if (snprintf(change->path, sizeof(change->path), "%s%s%s%s/%s",
			     is_named ? named : home, is_named ? "" : "/",
			     is_named ? "" : agent->home, agent->below,
			     agent->own ? agent->own : agent->files[i]) >=
		    (int)sizeof(change->path)) {
			report_error("the path is too long: %s", change->path);
			return false;
		}
		/* A symbolic link to nothing is there, too. */
		if (!lstat(change->path, &status))
			break;
	}
	result = file_load(change->path, &change->before, &change->before_len);
	if (result && result != -ENOENT)
		report_error("cannot read %s: %s", change->path,
			     result == -ENOLINK ? "it is a dangling symbolic link" :
						  strerror(-result));
	return !result || result == -ENOENT;
}

/* Sets what is to be: as it is, but for `out` bytes at `at`, in whose place `in` comes. */
static void splice(struct change *change, size_t at, size_t out, struct text in)
{
	change->after_len = change->before_len - out + in.len;
	change->after = array_grow(NULL, 0, change->after_len + 1);
	memcpy(change->after, change->before, at);
	if (in.len)
		memcpy(change->after + at, in.ptr, in.len);
	memcpy(change->after + at + in.len, change->before + at + out,
	       change->before_len - at - out);
	change->after[change->after_len] = '\0';
}

static void print_lines(char mark, const char *text, size_t start, size_t end)
{
	struct text rest = { text + start, end > start ? end - start : 0 }, line;

	while (text_next(&rest, '\n', &line)) {
		char *copy = make_printable(text_copy(line));

		if (line.len || rest.len)
			printf("  %c %s\n", mark, copy);
		free(copy);
	}
}

/* Prints the lines between the first and the last that differ: old ones with "-", new ones with
 * "+". */
static void show(const struct change *change)
{
	const char *a = change->before ? change->before : "",
		   *b = change->after ? change->after : "";
	size_t a_len = change->before ? change->before_len : 0;
	size_t b_len = change->after ? change->after_len : 0;
	size_t head = 0, tail = 0, shorter = a_len < b_len ? a_len : b_len;

	printf("%s%s\n", change->path,
	       !change->before ? " (new file)" :
	       !change->after  ? " (the file is removed)" :
				 "");
	for (size_t i = 0; i < shorter && a[i] == b[i]; i++)
		head = a[i] == '\n' ? i + 1 : head;
	for (size_t i = 0; i < shorter - head && a[a_len - 1 - i] == b[b_len - 1 - i]; i++) {
		if (i + 1 == a_len - head || i + 1 == b_len - head || a[a_len - 2 - i] == '\n')
			tail = i + 1;
	}
	print_lines('-', a, head, a_len - tail);
	print_lines('+', b, head, b_len - tail);
}

/* False after a report. */
static bool apply(const struct change *change)
{
	char folder[PATH_BYTES_MAX];
	int result;

	if (!change->after) {
		result = unlink(change->path) < 0 ? -errno : 0;
	} else {
		snprintf(folder, sizeof(folder), "%s", change->path);
		*strrchr(folder, '/') = '\0';
		result = folder_make(folder, 0777);
		if (!result)
			result = file_write(change->path,
					    (struct text){ change->after, change->after_len }, 0600,
					    change->before ? FILE_REPLACE : FILE_NEW);
	}
	if (result)
		report_error("cannot write %s: %s", change->path, strerror(-result));
	return !result;
}

static void release(struct change *change)
{
	free(change->before);
	free(change->after);
}

/* It becomes a URL in a JSON string, or a word of the shell in one. What would have to be
 * escaped is refused: LD_PRELOAD cannot hold most of it either. */
static bool path_is_plain(const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path <= ' ' || strchr("\"\\'%#?", *path))
			return false;
	}
	return true;
}

/* A line of TOML that has a header for each field of the preset, from the variables that `tagalong
 * run` sets; Codex leaves out those that have none. */
static char *make_toml(const char *key)
{
	const char *name = variable_get(VARIABLE_PRESET);
	char *line = text_format("%s = { ", key), *longer;
	const char *separator = "";
	struct preset preset;

	if (preset_find(text_of(name ? name : "generic"), &preset))
		die(EXIT_TROUBLE, "unknown preset \"%s\" (see tagalong presets)", name);
	for (size_t i = 0; i < preset.count; i++) {
		struct text value = preset.headers[i].value;
		size_t len = value.len ? strcspn(value.ptr, "|}") : 0;
		enum field field = FIELD_COUNT;

		/* "{task_id}" and "{task_id|session_id}" are values of a field. */
		if (len && preset.headers[i].kind == HEADER_TEXT && value.ptr[0] == '{' &&
		    text_find(value, '}') == (ptrdiff_t)value.len - 1)
			field = field_by_name((struct text){ value.ptr + 1, len - 1 });
		if (field >= FIELD_TRACEPARENT)
			continue;
		longer = text_format("%s%s\"%.*s\" = \"TAGALONG_START_%s\"", line, separator,
				     (int)preset.headers[i].name.len, preset.headers[i].name.ptr,
				     field_variable(field) + TEXT("TAGALONG_").len);
		free(line);
		line = longer;
		separator = ", ";
	}
	longer = text_format("%s }\n", line);
	free(line);
	return longer;
}

/* What goes into the agent's file: the element, or for a file of our own all of it. To be freed. */
static char *make_part(const struct agent *agent)
{
	const char *program = program_path();
	char plugin[PATH_BYTES_MAX];

	if (agent->toml)
		return make_toml(agent->path[0]);
	if (!program[0] || hook_path("kilo/tagalong.js", plugin))
		die(EXIT_TROUBLE, "cannot find hooks/kilo/tagalong.js beside the library");
	if (!path_is_plain(program) || !path_is_plain(plugin))
		die(EXIT_TROUBLE,
		    "an agent's configuration cannot hold a path with a space or a quote: %s; "
		    "install Tagalong elsewhere",
		    program);
	if (agent->own)
		return text_format(
			"// Written by \"tagalong agents install %s\", removed by \"tagalong "
			"agents uninstall %s\".\nexport { Tagalong } from \"%s\"\n",
			agent->name, agent->name, plugin);
	if (agent->hook)
		return text_format("{\"hooks\": [{\"type\": \"command\", \"command\": "
				   "\"'%s' agents hook %s\", \"timeout\": 5}]}",
				   program, agent->name);
	return text_format("\"file://%s\"", plugin);
}

static struct jsonc_target target_of(const struct agent *agent, const char *element)
{
	return (struct jsonc_target){
		{ agent->path[0], agent->path[1] }, agent->path[1] ? 2 : 1, element, agent->strict
	};
}

__attribute__((noreturn)) static void refuse(const struct change *change,
					     const struct jsonc_error *error)
{
	struct text text = { change->before, change->before_len };
	size_t line, column;

	config_line_of(text, error->at, &line, &column);
	die(EXIT_TROUBLE, "%s:%zu:%zu: %s; the file was not changed", change->path, line, column,
	    error->reason);
}

static void plan_toml(const struct agent *agent, const char *part, struct change *change,
		      struct receipt *receipt)
{
	struct text before = { change->before, change->before_len };
	const char *reason = "no such file or directory";
	size_t at;

	if (!change->before || toml_place(before, text_of(agent->path[0]), &at, &reason))
		die(EXIT_TROUBLE, "%s: %s; it was not changed", change->path, reason);
	receipt->text = text_format("%s%s", at && before.ptr[at - 1] != '\n' ? "\n" : "", part);
	splice(change, at, 0, text_of(receipt->text));
}

/* Fills change->after and the receipt. False: it is there already. */
static bool plan_install(const struct agent *agent, const char *part, struct change *change,
			 struct receipt *receipt)
{
	struct jsonc_target target = target_of(agent, part);
	struct jsonc_error error;
	size_t at;
	int result;

	receipt->file = text_copy(text_of(change->path));
	if (agent->toml) {
		plan_toml(agent, part, change, receipt);
		return true;
	}
	receipt->created = !change->before;
	if (!change->before) {
		receipt->text =
			agent->own ?
				text_copy(text_of(part)) :
			agent->path[1] ?
				text_format(
					"{\n  \"%s\": {\n    \"%s\": [\n      %s\n    ]\n  }\n}\n",
					agent->path[0], agent->path[1], part) :
				text_format("{\n  \"%s\": [\n    %s\n  ]\n}\n", agent->path[0],
					    part);
		change->after = text_copy(text_of(receipt->text));
		change->after_len = strlen(change->after);
		return true;
	}
	if (agent->own)
		die(EXIT_TROUBLE,
		    "%s exists and was not written by tagalong agents; it was not changed",
		    change->path);
	result = jsonc_insertion((struct text){ change->before, change->before_len }, &target, &at,
				 &receipt->text, &error);
	if (result == -EINVAL)
		refuse(change, &error);
	if (!result)
		splice(change, at, 0, text_of(receipt->text));
	return !result;
}

bool agent_file_has(const struct agent *agent, const char *text)
{
	struct change change = { .before = NULL };
	bool has = load(agent, &change) && change.before && strstr(change.before, text);

	release(&change);
	return has;
}

bool agent_fits(const struct agent *agent, bool install)
{
	struct change change = { .before = NULL };
	struct receipt receipt;
	const char *reason;
	size_t at;
	bool fits;

	if (!receipt_read(agent, &receipt)) {
		receipt_release(&receipt);
		return true;
	}
	fits = install && load(agent, &change) && change.before &&
	       !toml_place((struct text){ change.before, change.before_len },
			   text_of(agent->path[0]), &at, &reason);
	release(&change);
	return fits;
}

int agent_install(const struct agent *agent, enum agent_mode mode)
{
	struct receipt receipt = { NULL, NULL, false }, before;
	char *part = make_part(agent);
	struct change change = { .before = NULL };
	bool is_there = false;
	int result;

	if (!receipt_read(agent, &before)) {
		is_there = receipt_is_in_place(&before);
		snprintf(change.path, sizeof(change.path), "%s", before.file);
		receipt_release(&before);
	}
	if (!is_there && !load(agent, &change))
		exit(EXIT_TROUBLE);
	is_there = is_there || !plan_install(agent, part, &change, &receipt);
	if (is_there)
		printf("%s: already installed\n", change.path);
	else
		show(&change);
	if (!is_there && mode == AGENT_WRITE) {
		/* The receipt comes first: what is written without one could not be taken out. */
		result = receipt_write(agent, &receipt);
		if (result)
			die(EXIT_TROUBLE,
			    "cannot write the install receipt: %s; nothing was changed",
			    strerror(-result));
		if (!apply(&change)) {
			receipt_remove(agent);
			exit(EXIT_TROUBLE);
		}
	}
	receipt_release(&receipt);
	release(&change);
	free(part);
	return is_there && mode == AGENT_SHOW ? EXIT_NOTHING : EXIT_OK;
}

/* Where exactly those bytes are that were put in; only when they are there once. */
static const char *find_once(const char *text, const char *part)
{
	const char *found = strstr(text, part);

	return found && !strstr(found + 1, part) ? found : NULL;
}

bool receipt_is_in_place(const struct receipt *receipt)
{
	bool in_place;
	char *bytes;
	size_t len;

	if (file_load(receipt->file, &bytes, &len))
		return false;
	in_place = find_once(bytes, receipt->text);
	free(bytes);
	return in_place;
}

/* Fills change->after, or leaves it NULL for a file that is to go. False: nothing of ours is in
 * it. */
static bool plan_uninstall(const struct agent *agent, const char *part,
			   const struct receipt *receipt, struct change *change)
{
	struct text nothing = { NULL, 0 };
	struct jsonc_target target = target_of(agent, part);
	const char *found = find_once(change->before, receipt->text);
	struct jsonc_error error;
	struct jsonc_span span, none;
	int result;

	if (receipt->created && !strcmp(change->before, receipt->text))
		return true;
	if (agent->own || (agent->toml && !found))
		die(EXIT_TROUBLE, "%s was changed since it was installed; it was not removed",
		    change->path);
	if (found && !receipt->created) {
		splice(change, (size_t)(found - change->before), strlen(receipt->text), nothing);
		if (agent->toml || jsonc_find((struct text){ change->after, change->after_len },
					      &target, &none, &error) == -ENOENT)
			return true;
		free(change->after); /* something was put behind ours since, and needs no comma */
		change->after = NULL;
	}
	result = jsonc_find((struct text){ change->before, change->before_len }, &target, &span,
			    &error);
	if (result == -EINVAL)
		refuse(change, &error);
	if (result)
		printf("%s: nothing to remove, it was taken out already\n", change->path);
	else
		splice(change, span.start, span.len, nothing);
	return !result;
}

int agent_uninstall(const struct agent *agent, enum agent_mode mode)
{
	struct receipt receipt;
	struct change change = { .before = NULL };
	int result = receipt_read(agent, &receipt);
	bool changes;
	char *part;

	if (result == -ENOENT) {
		printf("%s: not installed\n", agent->title);
		return mode == AGENT_SHOW ? EXIT_NOTHING : EXIT_OK;
	}
	if (result)
		die(EXIT_TROUBLE, "cannot read the install receipt of %s: %s", agent->title,
		    strerror(-result));
	part = make_part(agent);
	snprintf(change.path, sizeof(change.path), "%s", receipt.file);
	result = file_load(change.path, &change.before, &change.before_len);
	if (result && result != -ENOENT)
		die(EXIT_TROUBLE, "cannot read %s: %s", change.path, strerror(-result));
	changes = !result && plan_uninstall(agent, part, &receipt, &change);
	if (changes)
		show(&change);
	if (changes && mode == AGENT_WRITE && !apply(&change))
		exit(EXIT_TROUBLE);
	if (mode == AGENT_WRITE)
		receipt_remove(agent);
	receipt_release(&receipt);
	release(&change);
	free(part);
	return EXIT_OK;
}
