// SPDX-License-Identifier: MIT
/* tagalong config show: what the configuration and the environment come to, as a list of values
 * with their origins, a table or JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/presets.h"
#include "cli/print_json.h"
#include "core/variables.h"

struct listing {
	const struct config_file *file;
	cJSON *values; /* NULL: they are printed as a table */
	char prefix[32]; /* of the names: "relays[0]." */
};

/* Takes the origin. */
static void add_with_origin(struct listing *list, const char *name, struct text value, char *origin)
{
	char *full_name = text_format("%s%s", list->prefix, name), *copy = text_copy(value);
	cJSON *object;

	if (list->values) {
		object = cJSON_CreateObject();
		add_text(object, "name", full_name);
		add_text(object, "value", copy);
		add_text(object, "origin", origin);
		cJSON_AddItemToArray(list->values, object);
	} else {
		printf("%-32s %-36s %s\n", make_printable(full_name), make_printable(copy),
		       make_printable(origin));
	}
	free(full_name);
	free(copy);
	free(origin);
}

/* Where the value comes from: the file at this offset, or, with 0, the default. */
static void add(struct listing *list, const char *name, struct text value, size_t offset)
{
	size_t line, column;

	config_line_of(buf_since(&list->file->source, 0), offset, &line, &column);
	add_with_origin(list, name, value,
			offset ? text_format("%s:%zu", list->file->path, line) :
				 text_copy(TEXT("default")));
}

/* A variable that wins over what a rule says, or else that. */
static void add_unless_set(struct listing *list, const char *name, enum variable variable,
			   struct text value, size_t offset)
{
	const char *set = variable_get(variable);

	if (set)
		add_with_origin(list, name, text_of(set),
				text_format("environment: %s", variable_name(variable)));
	else
		add(list, name, value, offset);
}

static void add_headers(struct listing *list, const struct config_rule *rule)
{
	struct text header = { NULL, 0 };

	for (size_t i = 0; i < rule->headers_count; i++) {
		const struct header_rule *row = &rule->headers[i];
		bool member = row->kind == HEADER_MEMBER;
		char *name, *kind = text_format("(%s)", preset_kind_text(row->kind));

		if (!member)
			header = row->name;
		name = text_format("headers.%.*s%s%.*s", (int)header.len, header.ptr,
				   member ? "." : "", member ? (int)row->name.len : 0,
				   row->name.ptr);
		add(list, name, row->value.len ? row->value : text_of(kind),
		    rule->headers_where[i]);
		free(name);
		free(kind);
	}
}

static void add_rule(struct listing *list, const struct config_rule *rule)
{
	const size_t *where = rule->key_where;
	char number[8];

	if (!rule->patterns_count)
		add(list, "match", TEXT("(its preset's own hosts)"), where[CONFIG_RULE_PRESET]);
	for (size_t i = 0; i < rule->patterns_count; i++)
		add(list, "match", rule->patterns[i].text, where[CONFIG_RULE_MATCH]);
	add_unless_set(list, "endpoints", VARIABLE_ENDPOINTS,
		       rule->endpoints.suffixes.len ? rule->endpoints.suffixes : TEXT("chat"),
		       where[CONFIG_RULE_ENDPOINTS]);
	add_unless_set(list, "preset", VARIABLE_PRESET,
		       rule->preset.len ? rule->preset : TEXT("(by host, else generic)"),
		       where[CONFIG_RULE_PRESET]);
	add_headers(list, rule);
	add(list, "on_conflict", rule->replace ? TEXT("replace") : TEXT("keep"),
	    where[CONFIG_RULE_ON_CONFLICT]);
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (rule->require & (uint32_t)1 << field)
			add(list, "require", text_of(field_name(field)),
			    where[CONFIG_RULE_REQUIRE]);
	}
	snprintf(number, sizeof(number), "%u", rule->max_headers);
	add(list, "max_headers", text_of(number), where[CONFIG_RULE_MAX_HEADERS]);
	if (rule->conversation)
		add(list, "conversation",
		    rule->conversation == CONVERSATION_DERIVE ? TEXT("derive") : TEXT("none"),
		    where[CONFIG_RULE_CONVERSATION]);
}

static void list_all(struct listing *list, const struct config *config)
{
	static const struct {
		enum field field;
		const char *variable;
	} builtin[] = {
#define ROW(field, variable, setter) { FIELD_##field, #variable },
		ADOPTED(ROW)
#undef ROW
	};
	size_t rules = config ? config->rules_count : 0;
	char number[16];

	for (size_t i = 0; i < rules; i++) {
		snprintf(list->prefix, sizeof(list->prefix), "relays[%zu].", i);
		add_rule(list, &config->rules[i]);
	}
	/* What the environment adds behind the rules, or in place of none. */
	snprintf(list->prefix, sizeof(list->prefix), "environment.");
	if (!rules || variable_get(VARIABLE_RELAYS)) {
		add_unless_set(list, "match", VARIABLE_RELAYS, TEXT("(loopback)"), 0);
		add_unless_set(list, "endpoints", VARIABLE_ENDPOINTS, TEXT("chat"), 0);
		add_unless_set(list, "preset", VARIABLE_PRESET, TEXT("(by host, else generic)"), 0);
	}
	snprintf(list->prefix, sizeof(list->prefix), "service.");
	snprintf(number, sizeof(number), "%u",
		 config && config->timeout_ms ? config->timeout_ms : SERVICE_TIMEOUT_MS);
	add_unless_set(list, "timeout_ms", VARIABLE_TIMEOUT_MS, text_of(number),
		       config ? config->timeout_where : 0);
	snprintf(list->prefix, sizeof(list->prefix), "adopt.");
	for (size_t i = 0; config && i < config->adopted_count; i++)
		add(list, field_name(config->adopted[i].field),
		    text_of(config->adopted[i].variable), config->adopted[i].where);
	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		add(list, field_name(builtin[i].field), text_of(builtin[i].variable), 0);
	list->prefix[0] = '\0';
	add_unless_set(list, "log", VARIABLE_LOG,
		       config && config->log.len ? config->log : TEXT("(none)"),
		       config ? config->log_where : 0);
}

void config_show(const struct config_file *file, bool json)
{
	cJSON *root = json ? cJSON_CreateObject() : NULL;
	struct listing list = { .file = file };

	if (json) {
		cJSON_AddItemToObject(root, "path",
				      file->path[0] ? cJSON_CreateString(file->path) :
						      cJSON_CreateNull());
		list.values = cJSON_AddArrayToObject(root, "values");
	}
	list_all(&list, file->config);
	if (json)
		print_json(root, cJSON_Print);
}
