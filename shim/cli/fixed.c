// SPDX-License-Identifier: MIT
/* Programs that no hook reaches, but that take headers from variables when they start. What is put
 * there is fixed for as long as the program runs, so what is new for each request (its id, its
 * span) is left out. The program sends the lines wherever it follows a redirect to. */
#include <stdlib.h>
#include <string.h>

#include "cli/launch.h"
#include "core/config.h"
#include "core/header.h"
#include "core/request.h"
#include "core/variables.h"

static const struct fixed_row {
	const char *program; /* its file's name */
	const char *variable; /* takes "Name: value" lines */
	const char *base_variable, *base; /* where its base URL is; without one */
	const char *path; /* that it adds */
	enum runtime_hook hook; /* which makes this needless; RUNTIME_HOOKS: none */
} rows[] = {
	{ "copilot", "COPILOT_PROVIDER_HEADERS", "COPILOT_PROVIDER_BASE_URL", NULL,
	  "/chat/completions", RUNTIME_HOOKS },
	{ "claude", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_BASE_URL", "https://api.anthropic.com",
	  "/v1/messages", RUNTIME_BUN },
};

static struct tag_lines *build(const char *url, char *existing, uint8_t id)
{
	struct tag_request request = {
		.url = url,
		.method = "POST",
		.peer = TAG_PEER_BY_STRICT_NAME,
		.client_sets = header_lines_have,
		.arg = existing,
	};
	struct tag_lines *lines = NULL;

	memset(request.request_id, id, sizeof(request.request_id));
	tag_build(&request, &lines);
	return lines;
}

static bool has_line(const struct tag_lines *lines, struct text line)
{
	for (size_t i = 0; i < lines->count; i++) {
		if (text_eq(tag_line_text(lines, i), line))
			return true;
	}
	return false;
}

static void set_lines(const struct fixed_row *row, const char *url)
{
	char *existing = getenv(row->variable), *value = text_copy(text_of(existing));
	struct tag_lines *one = build(url, existing, 1), *two = build(url, existing, 2);

	for (size_t i = 0; one && two && i < one->count; i++) {
		char *longer;

		if (!has_line(two, tag_line_text(one, i)) || one->line[i].replaces)
			continue; /* it differs from request to request */
		longer = text_format("%s%s%s", value, value[0] ? "\n" : "",
				     tag_line_text(one, i).ptr);
		free(value);
		value = longer;
	}
	if (value[0])
		setenv(row->variable, value, 1);
	free(value);
	free(one);
	free(two);
}

/* Codex's configuration names a variable for each header, and nothing else says where its relay is,
 * so it is given the fields. Not by their own variables: those would hide what the context service
 * has for the commands that it starts. */
static void set_fields(void)
{
	const struct config_snapshot *snapshot = config_get(true);
	struct tag_request request = { .url = "", .method = "POST" };
	struct values values;
	struct text value;

	values_collect(&request, snapshot->config, NULL, DERIVES_NOT, &values);
	for (enum field field = 0; field < FIELD_TRACEPARENT; field++) {
		char *name = text_format("TAGALONG_START_%s",
					 field_variable(field) + TEXT("TAGALONG_").len),
		     *copy = values_lookup(&values, text_of(field_name(field)), &value) ?
				     text_copy(value) :
				     NULL;

		if (copy)
			setenv(name, copy, 1);
		else
			unsetenv(name);
		free(name);
		free(copy);
	}
	values_release(&values);
	config_put(snapshot);
}

bool launch_has_fixed_headers(const char *command)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(program_name(command), rows[i].program))
			return true;
	}
	return false;
}

void launch_fixed_headers(const char *command)
{
	const char *name = program_name(command);
	char path[PATH_BYTES_MAX];

	if (!hook_wanted("env") || variable_is_on(VARIABLE_OFF))
		return;
	if (!strcmp(name, "codex"))
		set_fields();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *base = getenv(rows[i].base_variable);
		char *url;

		base = base && base[0] ? base : rows[i].base;
		if (strcmp(name, rows[i].program) || !base ||
		    (rows[i].hook != RUNTIME_HOOKS && runtime_hook(rows[i].hook, path)))
			continue;
		url = text_format("%.*s%s", (int)(strlen(base) - (base[strlen(base) - 1] == '/')),
				  base, rows[i].path);
		set_lines(&rows[i], url);
		free(url);
	}
}
