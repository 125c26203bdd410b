// SPDX-License-Identifier: MIT
/* What the configuration comes to: one list of values, as a table or as JSON. */
#include "cli/cmd_config_show.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/variables.h"
#include "cli/command.h"

struct show {
	const struct config_file *file;
	cJSON *values;
	char name[512]; /* the prefix of what is shown: "relays[0]." */
};

static void add(struct show *show, const char *name, struct text name_end, const char *value,
		const char *origin)
{
	cJSON *row = cJSON_CreateObject();
	char whole[1024];

	snprintf(whole, sizeof(whole), "%s%s%.*s", show->name, name, (int)name_end.len,
		 name_end.ptr ? name_end.ptr : "");
	cJSON_AddStringToObject(row, "name", whole);
	cJSON_AddStringToObject(row, "value", value);
	cJSON_AddStringToObject(row, "origin", origin);
	cJSON_AddItemToArray(show->values, row);
}

/* From the file at this place, or the default where there is none. */
static void add_from(struct show *show, const char *name, struct text name_end, const char *value,
		     size_t where)
{
	char origin[PATH_BYTES_MAX + 24];

	snprintf(origin, sizeof(origin), "%s:%zu", show->file->path,
		 where ? config_file_line(show->file, where) : 0);
	add(show, name, name_end, value, where ? origin : "default");
}

static void add_text(struct show *show, const char *name, struct text name_end, struct text value,
		     size_t where)
{
	char *copy = strndup(value.ptr ? value.ptr : "", value.len);

	add_from(show, name, name_end, copy ? copy : "", where);
	free(copy);
}

/* A variable that wins over the rule's own value: true when it is set. */
static bool add_variable(struct show *show, const char *name, enum variable variable)
{
	const char *value = variable_get(variable);
	char origin[64];

	if (!value)
		return false;
	snprintf(origin, sizeof(origin), "environment: %s", variable_name(variable));
	add(show, name, TEXT(""), value, origin);
	return true;
}

static const char *kind_text(const struct header_rule *row)
{
	switch (row->kind) {
	case HEADER_JSON:
		return "(one JSON object)";
	case HEADER_BAGGAGE:
		return "(W3C baggage)";
	case HEADER_LIST:
		return "(key:value, comma separated)";
	case HEADER_OMIT:
		return "(left out)";
	case HEADER_TEXT:
	case HEADER_FANOUT:
	case HEADER_MEMBER:
		break;
	}
	return NULL;
}

static void show_headers(struct show *show, const struct config_rule *rule)
{
	char name[NAME_BYTES_MAX + 16], header[NAME_BYTES_MAX + 1] = "";

	for (size_t i = 0; i < rule->headers_count; i++) {
		const struct header_rule *row = &rule->headers[i];
		const char *kind = kind_text(row);
		bool member = row->kind == HEADER_MEMBER;

		if (!member)
			snprintf(header, sizeof(header), "%.*s", (int)row->name.len, row->name.ptr);
		snprintf(name, sizeof(name), "headers.%s%s", header, member ? "." : "");
		if (kind)
			add_from(show, name, TEXT(""), kind, rule->headers_where[i]);
		else
			add_text(show, name, member ? row->name : TEXT(""), row->value,
				 rule->headers_where[i]);
	}
}

static void show_match(struct show *show, const struct config_rule *rule)
{
	if (!rule->patterns_count)
		add_from(show, "match", TEXT(""), "(its preset's own hosts)",
			 rule->key_where[CONFIG_RULE_PRESET]);
	for (size_t i = 0; i < rule->patterns_count; i++)
		add_text(show, "match", TEXT(""), rule->patterns[i].text,
			 rule->key_where[CONFIG_RULE_MATCH]);
}

static void show_require(struct show *show, const struct config_rule *rule)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (rule->require & (uint32_t)1 << field)
			add_from(show, "require", TEXT(""), field_name(field),
				 rule->key_where[CONFIG_RULE_REQUIRE]);
	}
}

static void show_rule(struct show *show, const struct config_rule *rule)
{
	char number[8];

	show_match(show, rule);
	if (!add_variable(show, "endpoints", VARIABLE_ENDPOINTS))
		add_text(show, "endpoints", TEXT(""),
			 rule->endpoints.suffixes.len ? rule->endpoints.suffixes : TEXT("chat"),
			 rule->key_where[CONFIG_RULE_ENDPOINTS]);
	if (!add_variable(show, "preset", VARIABLE_PRESET))
		add_text(show, "preset", TEXT(""),
			 rule->preset.len ? rule->preset : TEXT("(by host, else generic)"),
			 rule->key_where[CONFIG_RULE_PRESET]);
	show_headers(show, rule);
	add_from(show, "on_conflict", TEXT(""), rule->replace ? "replace" : "keep",
		 rule->key_where[CONFIG_RULE_ON_CONFLICT]);
	show_require(show, rule);
	snprintf(number, sizeof(number), "%u", rule->max_headers);
	add_from(show, "max_headers", TEXT(""), number, rule->key_where[CONFIG_RULE_MAX_HEADERS]);
	if (rule->conversation)
		add_from(show, "conversation", TEXT(""),
			 rule->conversation == CONVERSATION_DERIVE ? "derive" : "none",
			 rule->key_where[CONFIG_RULE_CONVERSATION]);
}

/* What the environment adds behind the rules, or in place of none. */
static void show_environment(struct show *show, bool has_rules)
{
	if (!add_variable(show, "match", VARIABLE_RELAYS)) {
		if (has_rules)
			return;
		add(show, "match", TEXT(""), "(loopback)", "default");
	}
	if (!add_variable(show, "endpoints", VARIABLE_ENDPOINTS))
		add(show, "endpoints", TEXT(""), "chat", "default");
	if (!add_variable(show, "preset", VARIABLE_PRESET))
		add(show, "preset", TEXT(""), "(by host, else generic)", "default");
}

static void show_timeout(struct show *show, const struct config *config)
{
	char number[16];

	if (add_variable(show, "timeout_ms", VARIABLE_TIMEOUT_MS))
		return;
	snprintf(number, sizeof(number), "%u",
		 config && config->timeout_ms ? config->timeout_ms : SERVICE_TIMEOUT_MS);
	add_from(show, "timeout_ms", TEXT(""), number, config ? config->timeout_where : 0);
}

static void show_log(struct show *show, const struct config *config)
{
	struct text path = config && config->log.len ? config->log : TEXT("(none)");

	if (!add_variable(show, "log", VARIABLE_LOG))
		add_text(show, "log", TEXT(""), path, config ? config->log_where : 0);
}

static void show_adopted(struct show *show, const struct config *config)
{
	static const struct {
		enum field field;
		const char *variable;
	} builtin[] = {
#define ROW(field, variable, setter) { FIELD_##field, #variable },
		ADOPTED(ROW)
	};

	for (size_t i = 0; config && i < config->adopted_count; i++)
		add_from(show, field_name(config->adopted[i].field), TEXT(""),
			 config->adopted[i].variable, config->adopted[i].where);
	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		add(show, field_name(builtin[i].field), TEXT(""), builtin[i].variable, "default");
}

static void collect(struct show *show)
{
	const struct config *config = show->file->config;
	size_t rules = config ? config->rules_count : 0;

	for (size_t i = 0; i < rules; i++) {
		snprintf(show->name, sizeof(show->name), "relays[%zu].", i);
		show_rule(show, &config->rules[i]);
	}
	snprintf(show->name, sizeof(show->name), "environment.");
	show_environment(show, rules > 0);
	snprintf(show->name, sizeof(show->name), "service.");
	show_timeout(show, config);
	snprintf(show->name, sizeof(show->name), "adopt.");
	show_adopted(show, config);
	show->name[0] = '\0';
	show_log(show, config);
}

static const char *member(const cJSON *row, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(row, name));

	return text ? text : "";
}

static void print_table(const cJSON *values)
{
	const cJSON *row;

	cJSON_ArrayForEach(row, values)
		printf("%-32s %-36s %s\n", member(row, "name"), member(row, "value"),
		       member(row, "origin"));
}

void config_show(const struct config_file *file, bool json)
{
	cJSON *root = cJSON_CreateObject();
	struct show show = { .file = file, .values = cJSON_CreateArray() };
	char *text;

	if (file->path[0])
		cJSON_AddStringToObject(root, "path", file->path);
	else
		cJSON_AddNullToObject(root, "path");
	collect(&show);
	cJSON_AddItemToObject(root, "values", show.values);
	text = json ? cJSON_Print(root) : NULL;
	if (json)
		puts(text ? text : "{}");
	else
		print_table(show.values);
	cJSON_free(text);
	cJSON_Delete(root);
}
