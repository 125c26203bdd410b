// SPDX-License-Identifier: MIT
/* Parsing a configuration. Everything is checked here, once, so that a request only looks things
 * up; everything that is wrong is reported, not only the first error. The result is one block of
 * memory: the configuration, its tables, the source (unescaped in place), and texts that are put
 * together. */
#include "core/config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/preset.h"
#include "lib/limits.h"

struct config_block {
	struct config config;
	struct config_rule rules[CONFIG_RULES_MAX];
	struct config_pattern patterns[CONFIG_PATTERNS_MAX];
	struct header_rule headers[CONFIG_ROWS_MAX];
	size_t headers_where[CONFIG_ROWS_MAX];
	struct config_adopted adopted[CONFIG_ADOPTED_MAX];
	char text[]; /* the source; behind it `spare` */
};

/* What the parts of one document share while they are parsed. */
struct config_parser {
	struct config_reader reader;
	struct config_block *block;
	struct header_table headers; /* the block's */
	size_t patterns;
	struct buf spare; /* behind the source */
};

#define WORD(constant, name, ...) #name " "
static const char field_words[] = FIELDS(WORD);
static const char rule_key_words[] = CONFIG_RULE_KEYS(WORD);

const char *config_rule_key_name(enum config_rule_key key)
{
#define NAME(constant, name) #name,
	static const char names[][16] = { CONFIG_RULE_KEYS(NAME) };

	return names[key];
}

static void parse_match(struct config_parser *parser, struct config_rule *rule, struct text key)
{
	struct config_reader *reader = &parser->reader;
	size_t offset = config_offset(reader), before = reader->errors->count;
	struct text pattern;

	if (!config_array(reader, key))
		return;
	rule->patterns = &parser->block->patterns[parser->patterns];
	while (config_next_string(reader, key, &pattern)) {
		const char *reason = NULL;
		struct relay relay;

		if (!relay_parse(pattern, &relay, &reason) &&
		    parser->patterns == CONFIG_PATTERNS_MAX)
			reason = "there are too many patterns";
		if (reason) {
			config_report_word(reader, reason, pattern, NULL);
			continue;
		}
		parser->block->patterns[parser->patterns++] = (struct config_pattern){ pattern,
										       relay };
		rule->patterns_count++;
	}
	if (!rule->patterns_count && !reader->json.error && reader->errors->count == before)
		config_report(reader, offset, "there are no patterns", key, NULL);
}

/* Joins the list into one text, as TAGALONG_ENDPOINTS has it. */
static void parse_endpoints(struct config_parser *parser, struct config_rule *rule, struct text key)
{
	struct config_reader *reader = &parser->reader;
	size_t start = parser->spare.len;
	struct text word, bad;
	struct endpoint_set one;

	if (!config_array(reader, key))
		return;
	while (config_next_string(reader, key, &word)) {
		endpoint_parse(word, &one, &bad);
		if (bad.len || !text_trim(word).len || text_find(word, ',') >= 0) {
			config_report_word(reader, ENDPOINT_FAULT, word,
					   "chat embedding rerank count image audio all");
			continue;
		}
		if (parser->spare.len > start)
			buf_char(&parser->spare, ',');
		buf_add(&parser->spare, word);
	}
	endpoint_parse(buf_since(&parser->spare, start), &rule->endpoints, &bad);
	buf_char(&parser->spare, '\0');
}

static void parse_preset(struct config_parser *parser, struct config_rule *rule, struct text key)
{
	struct config_reader *reader = &parser->reader;
	struct buf *choices = &parser->spare;
	size_t start = choices->len;
	struct text name, hosts;

	if (!config_string(reader, key, &rule->preset) || preset_exists(rule->preset))
		return;
	for (size_t i = 0; i < preset_count(); i++) {
		preset_head_at(i, &name, &hosts);
		if (i)
			buf_char(choices, ' ');
		buf_add(choices, name);
	}
	config_report_word(reader, "unknown preset", rule->preset,
			   choices->full ? NULL : choices->data + start);
	buf_cut(choices, start);
}

static void parse_headers(struct config_parser *parser, struct config_rule *rule, struct text key)
{
	struct config_reader *reader = &parser->reader;
	struct header_table *table = &parser->headers;
	size_t offset = config_offset(reader), first = table->count, lines = 0;

	if (!config_object(reader, key))
		return;
	headers_read(reader, table);
	rule->headers = table->rows + first;
	rule->headers_where = table->where + first;
	rule->headers_count = table->count - first;
	for (size_t i = 0; i < rule->headers_count; i++)
		lines += rule->headers[i].kind < HEADER_FANOUT;
	if (lines > LINES_MAX)
		config_report(reader, offset, "there are more than ten headers", key, NULL);
	if (table->full)
		config_report(reader, offset, "there are too many headers and members in all", key,
			      NULL);
	table->full = false;
}

/* Reports a string that is not among the choices. The number of the one that it is, from 1; or
 * 0. */
static unsigned parse_choice(struct config_parser *parser, struct text key, const char *choices)
{
	struct config_reader *reader = &parser->reader;
	struct text rest = text_of(choices), word, choice;
	unsigned number = 0;

	if (!config_string(reader, key, &word))
		return 0;
	while (text_next(&rest, ' ', &choice)) {
		number++;
		if (text_eq(word, choice))
			return number;
	}
	config_report_word(reader, "there is no such choice", word, choices);
	return 0;
}

static void parse_require(struct config_parser *parser, struct config_rule *rule, struct text key)
{
	struct config_reader *reader = &parser->reader;
	struct text name;

	if (!config_array(reader, key))
		return;
	while (config_next_string(reader, key, &name)) {
		enum field field = field_by_name(name);

		if (field < FIELD_COUNT)
			rule->require |= (uint32_t)1 << field;
		else
			config_report_word(reader, "there is no such field", name, field_words);
	}
}

static void parse_rule_key(struct config_parser *parser, struct config_rule *rule, struct text name)
{
	struct config_reader *reader = &parser->reader;
	enum config_rule_key key = 0;

	while (key < CONFIG_RULE_KEY_COUNT && !text_eq(name, text_of(config_rule_key_name(key))))
		key++;
	if (key == CONFIG_RULE_KEY_COUNT) {
		config_unknown_key(reader, name, rule_key_words);
		return;
	}
	config_note_key(reader, &rule->key_where[key], name);
	switch (key) {
	case CONFIG_RULE_MATCH:
		parse_match(parser, rule, name);
		break;
	case CONFIG_RULE_ENDPOINTS:
		parse_endpoints(parser, rule, name);
		break;
	case CONFIG_RULE_PRESET:
		parse_preset(parser, rule, name);
		break;
	case CONFIG_RULE_HEADERS:
		parse_headers(parser, rule, name);
		break;
	case CONFIG_RULE_ON_CONFLICT:
		rule->replace = parse_choice(parser, name, "keep replace") == 2;
		break;
	case CONFIG_RULE_REQUIRE:
		parse_require(parser, rule, name);
		break;
	case CONFIG_RULE_MAX_HEADERS:
		rule->max_headers = (uint8_t)config_number(reader, name, LINES_MAX);
		break;
	case CONFIG_RULE_CONVERSATION:
		rule->conversation = (enum config_conversation)parse_choice(parser, name,
									    "derive none");
		break;
	case CONFIG_RULE_KEY_COUNT:
		break;
	}
}

static void parse_rule(struct config_parser *parser)
{
	struct config_reader *reader = &parser->reader;
	struct config *config = &parser->block->config;
	struct config_rule *rule = &config->rules[config->rules_count];
	size_t offset = config_offset(reader);
	struct text name, none;

	if (config->rules_count == CONFIG_RULES_MAX) {
		if (json_skip(&reader->json, NULL))
			config_report(reader, offset, "there are too many rules", TEXT("relays"),
				      NULL);
		return;
	}
	if (!config_object(reader, TEXT("relays")))
		return;
	rule->where = offset;
	rule->max_headers = LINES_MAX;
	endpoint_parse(TEXT(""), &rule->endpoints, &none);
	while (json_member(&reader->json, &name)) {
		if (!config_is_comment(reader, name))
			parse_rule_key(parser, rule, name);
	}
	if (reader->json.error)
		return;
	config->rules_count++;
	/* A rule without patterns is for its preset's own hosts. */
	if (rule->key_where[CONFIG_RULE_MATCH])
		return;
	if (!rule->key_where[CONFIG_RULE_PRESET])
		config_report(reader, rule->where, "it names no relay: \"match\" is missing",
			      TEXT(""), NULL);
	else if (preset_exists(rule->preset) && !preset_hosts(rule->preset).len)
		config_report(reader, rule->where,
			      "it names no relay: \"match\" is missing, and its preset has no "
			      "hosts of its own",
			      rule->preset, NULL);
}

static void parse_service(struct config_parser *parser)
{
	struct config_reader *reader = &parser->reader;
	struct config *config = &parser->block->config;
	struct text name;

	if (!config_object(reader, TEXT("service")))
		return;
	while (json_member(&reader->json, &name)) {
		if (config_is_comment(reader, name))
			continue;
		if (!text_eq(name, TEXT("timeout_ms"))) {
			config_unknown_key(reader, name, "timeout_ms");
			continue;
		}
		config_note_key(reader, &config->timeout_where, name);
		config->timeout_ms = config_number(reader, name, SERVICE_TIMEOUT_MS_MAX);
	}
}

static void parse_adopted(struct config_parser *parser, enum field field, struct text key)
{
	struct config_reader *reader = &parser->reader;
	struct config *config = &parser->block->config;
	struct text variable;

	if (!config_array(reader, key))
		return;
	while (config_next_string(reader, key, &variable)) {
		size_t offset = config_offset_of(reader, variable), start = parser->spare.len;
		const char *reason = NULL;

		if (!name_is_variable(variable))
			reason = "no environment variable has such a name";
		else if (config->adopted_count == CONFIG_ADOPTED_MAX)
			reason = "there are too many adopted variables";
		if (reason) {
			config_report(reader, offset, reason, variable, NULL);
			continue;
		}
		buf_add(&parser->spare, variable);
		buf_char(&parser->spare, '\0');
		config->adopted[config->adopted_count++] = (struct config_adopted){
			field, parser->spare.data + start, offset
		};
	}
}

static void parse_adopt(struct config_parser *parser)
{
	struct config_reader *reader = &parser->reader;
	size_t seen[FIELD_COUNT] = { 0 };
	struct text name;

	if (!config_object(reader, TEXT("adopt")))
		return;
	while (json_member(&reader->json, &name)) {
		enum field field = field_by_name(name);

		if (config_is_comment(reader, name))
			continue;
		if (field == FIELD_COUNT) {
			config_unknown_key(reader, name, field_words);
			continue;
		}
		config_note_key(reader, &seen[field], name);
		parse_adopted(parser, field, name);
	}
}

static void parse_log(struct config_parser *parser)
{
	struct config_reader *reader = &parser->reader;
	size_t offset = config_offset(reader);
	struct text path;

	if (!config_string(reader, TEXT("log"), &path))
		return;
	if (!path.len || path.ptr[0] != '/')
		config_report(reader, offset, "expected an absolute path", path, NULL);
	else if (path.len >= PATH_BYTES_MAX || memchr(path.ptr, '\0', path.len))
		config_report(reader, offset, "no file has such a path", TEXT("log"), NULL);
	else
		parser->block->config.log = path;
}

static void parse_document(struct config_parser *parser)
{
	struct config_reader *reader = &parser->reader;
	struct json *json = &reader->json;
	size_t relays = 0, service = 0, adopt = 0;
	struct text name;

	for (json_object(json); json_member(json, &name);) {
		if (config_is_comment(reader, name))
			continue;
		if (text_eq(name, TEXT("relays"))) {
			config_note_key(reader, &relays, name);
			for (bool list = config_array(reader, name); list && json_element(json);)
				parse_rule(parser);
		} else if (text_eq(name, TEXT("service"))) {
			config_note_key(reader, &service, name);
			parse_service(parser);
		} else if (text_eq(name, TEXT("adopt"))) {
			config_note_key(reader, &adopt, name);
			parse_adopt(parser);
		} else if (text_eq(name, TEXT("log"))) {
			config_note_key(reader, &parser->block->config.log_where, name);
			parse_log(parser);
		} else {
			config_unknown_key(reader, name, "relays service adopt log");
		}
	}
	if (!json_end(json))
		config_report(reader, json_where(json), json->error, TEXT(""), NULL);
}

int config_read(struct text source, struct config_errors *errors, struct config **ret_config)
{
	size_t before = errors->count, spare = source.len + CONFIG_BYTES_MAX / 64, column;
	struct config_parser parser = { .reader.errors = errors };
	struct config_block *block;
	struct config *config;

	if (source.len > CONFIG_BYTES_MAX)
		return -EFBIG;
	block = calloc(1, sizeof(*block) + source.len + 1 + spare);
	if (!block)
		return -ENOMEM;
	config = &block->config;
	config->rules = block->rules;
	config->adopted = block->adopted;
	if (source.len)
		memcpy(block->text, source.ptr, source.len);
	json_init(&parser.reader.json, block->text, source.len);
	buf_init(&parser.spare, block->text + source.len + 1, spare);
	parser.block = block;
	parser.headers = (struct header_table){ .rows = block->headers,
						.where = block->headers_where,
						.size = CONFIG_ROWS_MAX };
	parse_document(&parser);
	if (errors->count > before) {
		free(block);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->rules_count; i++) {
		const struct config_rule *rule = &config->rules[i];

		/* Without a preset it is the one of the host. */
		config->wants_body |= rule->conversation == CONVERSATION_DERIVE ||
				      (!rule->conversation &&
				       (!rule->preset.len || preset_derives(rule->preset)));
		config_line_of(source, config->rules[i].where, &config->rules[i].line, &column);
	}
	for (size_t i = 0; i < parser.headers.count; i++) {
		for (struct text rest = block->headers[i].value; rest.len;
		     rest = text_from(rest, 1))
			config->wants_body |= text_starts_with(rest, TEXT("body:/"));
	}
	*ret_config = config;
	return 0;
}
