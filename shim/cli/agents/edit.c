// SPDX-License-Identifier: MIT
/*
 * Putting our part into an agent's configuration and taking it back. What was written is remembered
 * to the byte, so that uninstall leaves the file as it was; where somebody changed it since, the
 * element alone is taken out, and where that cannot be found, nothing is touched.
 */
#include "cli/agents/change.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agents/jsonc.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/library_path.h"

/* It becomes a URL in a JSON string, or a word of the shell in one. What would have to be escaped
 * is refused: LD_PRELOAD cannot hold most of it either. */
static bool path_is_plain(const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path <= ' ' || strchr("\"\\'%#?", *path))
			return false;
	}
	return true;
}

/* What goes into the agent's file: the element, or for a file of our own all of it. To be freed. */
static char *make_part(const struct agent *agent)
{
	char memory[PATH_BYTES_MAX], program[PATH_MAX], *part = NULL;
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	struct buf plugin;

	buf_init(&plugin, memory, sizeof(memory));
	if (len <= 0 || hook_path("kilo/tagalong.js", &plugin)) {
		report_error("cannot find hooks/kilo/tagalong.js beside the library");
		return NULL;
	}
	program[len] = '\0';
	if (!path_is_plain(program) || !path_is_plain(plugin.data)) {
		report_error("the path %s has a blank or a quote; install Tagalong elsewhere", program);
		return NULL;
	}
	len = agent->own ? asprintf(&part,
				    "// Written by \"tagalong agents install %s\", taken away by "
				    "\"tagalong agents uninstall %s\".\n"
				    "export { Tagalong } from \"%s\"\n",
				    agent->name, agent->name, plugin.data) :
	      agent->hook ? asprintf(&part,
				     "{\"hooks\": [{\"type\": \"command\", \"command\": "
				     "\"'%s' agents hook %s\", \"timeout\": 5}]}",
				     program, agent->name) :
			    asprintf(&part, "\"file://%s\"", plugin.data);
	return len < 0 ? NULL : part;
}

static struct jsonc_target target_of(const struct agent *agent, const char *element)
{
	return (struct jsonc_target){ { agent->path[0], agent->path[1] },
				      agent->path[1] ? 2 : 1, element, agent->strict };
}

static int refuse(const struct change *change, const struct jsonc_fault *fault)
{
	report_error("%s:%u:%u: %s; the file is left as it is", change->path, fault->line,
		 fault->column, fault->reason);
	return EXIT_TROUBLE;
}

/* A new file around the element. */
static char *make_file(const struct agent *agent, const char *element)
{
	static const char one[] = "{\n  \"%s\": [\n    %s\n  ]\n}\n";
	static const char two[] = "{\n  \"%s\": {\n    \"%s\": [\n      %s\n    ]\n  }\n}\n";
	char *text = NULL;
	int len = agent->path[1] ? asprintf(&text, two, agent->path[0], agent->path[1], element) :
				   asprintf(&text, one, agent->path[0], element);

	return len < 0 ? NULL : text;
}

/* Fills change->after and *record. */
static int plan_install(const struct agent *agent, const char *part, struct change *change,
			struct agent_record *record)
{
	struct jsonc_target target = target_of(agent, part);
	struct jsonc_fault fault;
	size_t at;
	int result;

	record->file = strdup(change->path);
	record->created = !change->before;
	if (!change->before) {
		record->text = agent->own ? strdup(part) : make_file(agent, part);
		change->after = record->text ? strdup(record->text) : NULL;
		change->after_len = change->after ? strlen(change->after) : 0;
		return change->after && record->file ? EXIT_OK : EXIT_TROUBLE;
	}
	if (agent->own) {
		report_error("%s is there, and not ours: it is left as it is", change->path);
		return EXIT_TROUBLE;
	}
	result = jsonc_insertion((struct text){ change->before, change->before_len }, &target, &at,
				 &record->text, &fault);
	if (result == -EINVAL)
		return refuse(change, &fault);
	if (result == -EEXIST) {
		printf("%s: there already\n", change->path);
		return EXIT_NOTHING;
	}
	if (result || !record->file || !change_splice(change, at, 0, text_of(record->text)))
		return EXIT_TROUBLE;
	return EXIT_OK;
}

int agent_install(const struct agent *agent, bool write)
{
	struct agent_record record = { NULL, NULL, false }, there;
	char *part = make_part(agent);
	struct change change;
	int result, code;

	if (!part)
		return EXIT_TROUBLE;
	if (!agent_record_read(agent, &there)) {
		code = agent_is_in_place(&there) ? EXIT_OK : EXIT_NOTHING;
		if (code == EXIT_OK)
			printf("%s: there already\n", there.file);
		agent_record_release(&there);
		if (code == EXIT_OK) {
			free(part);
			return EXIT_OK;
		}
	}
	result = change_locate(agent, &change);
	if (!result)
		result = change_load(&change);
	if (result)
		report_error("cannot read %s: %s", change.path, strerror(-result));
	code = result ? EXIT_TROUBLE : plan_install(agent, part, &change, &record);
	if (code == EXIT_OK)
		change_show(&change);
	/* Remembered first: what is written and not remembered could not be taken back. */
	if (code == EXIT_OK && write && agent_record_write(agent, &record)) {
		report_error("cannot remember the change; nothing is written");
		code = EXIT_TROUBLE;
	} else if (code == EXIT_OK && write) {
		code = change_apply(&change);
		if (code != EXIT_OK)
			agent_record_remove(agent);
	}
	agent_record_release(&record);
	change_release(&change);
	free(part);
	return code == EXIT_NOTHING ? EXIT_OK : code;
}

/* Where the very bytes stand that were put in; only when they stand there once. */
static const char *find_once(const char *text, const char *part)
{
	const char *found = strstr(text, part);

	return found && !strstr(found + 1, part) ? found : NULL;
}

bool agent_is_in_place(const struct agent_record *record)
{
	bool there;
	char *bytes;
	size_t len;

	if (file_load(record->file, &bytes, &len))
		return false;
	there = find_once(bytes, record->text);
	free(bytes);
	return there;
}

/* Fills change->after, or leaves it NULL for a file that is to go. */
static int plan_uninstall(const struct agent *agent, const char *part,
			  const struct agent_record *record, struct change *change)
{
	struct jsonc_target target = target_of(agent, part);
	const char *found = find_once(change->before, record->text);
	struct jsonc_fault fault;
	struct jsonc_span span, none;

	if (record->created && !strcmp(change->before, record->text))
		return EXIT_OK;
	if (agent->own) {
		report_error("%s was changed since: it is left as it is", change->path);
		return EXIT_TROUBLE;
	}
	if (found && !record->created) {
		size_t at = (size_t)(found - change->before);

		if (!change_splice(change, at, strlen(record->text), (struct text){ NULL, 0 }))
			return EXIT_TROUBLE;
		if (jsonc_find((struct text){ change->after, change->after_len }, &target, &none,
			       &fault) == -ENOENT)
			return EXIT_OK;
		free(change->after); /* something was put behind ours since, and needs no comma */
		change->after = NULL;
	}
	switch (jsonc_find((struct text){ change->before, change->before_len }, &target, &span,
			   &fault)) {
	case 0:
		return change_splice(change, span.start, span.len, (struct text){ NULL, 0 }) ?
			       EXIT_OK : EXIT_TROUBLE;
	case -ENOENT:
		printf("%s: nothing of ours is in it any more\n", change->path);
		return EXIT_NOTHING;
	default:
		return refuse(change, &fault);
	}
}

int agent_uninstall(const struct agent *agent, bool write)
{
	struct agent_record record;
	struct change change = { .before = NULL };
	char *part = make_part(agent);
	int result = part ? agent_record_read(agent, &record) : -EINVAL, code;

	if (result) {
		if (result == -ENOENT)
			printf("%s: not installed\n", agent->title);
		free(part);
		return result == -ENOENT ? EXIT_OK : EXIT_TROUBLE;
	}
	snprintf(change.path, sizeof(change.path), "%s", record.file);
	result = change_load(&change);
	if (result)
		report_error("cannot read %s: %s", change.path, strerror(-result));
	code = result ? EXIT_TROUBLE :
	       change.before ? plan_uninstall(agent, part, &record, &change) : EXIT_NOTHING;
	if (code == EXIT_OK)
		change_show(&change);
	if (code == EXIT_OK && write)
		code = change_apply(&change);
	if ((code == EXIT_OK || code == EXIT_NOTHING) && write)
		agent_record_remove(agent);
	agent_record_release(&record);
	change_release(&change);
	free(part);
	return code == EXIT_NOTHING ? EXIT_OK : code;
}
