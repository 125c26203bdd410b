// SPDX-License-Identifier: MIT
/* Reading one rule: which relays, which endpoints, which headers. */
#include "core/config_reader.h"

#include "core/preset.h"

static const char key_words[] =
#define RULE_KEY(constant, name) #name " "
#include "core/config_rule_keys.def"
#undef RULE_KEY
	;

const char *config_rule_key_name(enum config_rule_key key)
{
	static const char names[CONFIG_RULE_KEY_COUNT][16] = {
#define RULE_KEY(constant, name) #name,
#include "core/config_rule_keys.def"
#undef RULE_KEY
	};

	return names[key];
}

static void read_match(struct reader *reader, struct config_rule *rule, struct text key)
{
	size_t place = reader_place(reader), before = reader->faults->count;
	struct text pattern;

	if (!reader_array(reader, key))
		return;
	rule->patterns = &reader->block->patterns[reader->patterns];
	while (reader_next_string(reader, key, &pattern)) {
		struct config_pattern *entry = &reader->block->patterns[reader->patterns];
		const char *reason;
		struct relay relay;

		if (relay_parse(pattern, &relay, &reason)) {
			reader_tell(reader, fault_place(&reader->json, pattern), reason, pattern, NULL);
		} else if (reader->patterns == CONFIG_PATTERNS_MAX) {
			reader_tell(reader, fault_place(&reader->json, pattern),
			     "there are too many patterns", pattern, NULL);
		} else {
			*entry = (struct config_pattern){ pattern, relay };
			reader->patterns++;
			rule->patterns_count++;
		}
	}
	if (!rule->patterns_count && !reader->json.fault && reader->faults->count == before)
		reader_tell(reader, place, "there are no patterns", key, NULL);
}

/* Joins the list into one text, as TAGALONG_ENDPOINTS has it. */
static void read_endpoints(struct reader *reader, struct config_rule *rule, struct text key)
{
	size_t start = reader->spare.len;
	struct text word, bad;
	struct endpoint_set one;

	if (!reader_array(reader, key))
		return;
	while (reader_next_string(reader, key, &word)) {
		endpoint_parse(word, &one, &bad);
		if (bad.len || !text_trim(word).len || text_find(word, ',') >= 0) {
			reader_tell(reader, fault_place(&reader->json, word),
			     "neither an endpoint class nor a path suffix, which starts with / or a colon",
			     word, "chat embedding rerank count image audio all");
			continue;
		}
		if (reader->spare.len > start)
			buf_char(&reader->spare, ',');
		buf_add(&reader->spare, word);
	}
	endpoint_parse(buf_since(&reader->spare, start), &rule->endpoints, &bad);
	buf_char(&reader->spare, '\0');
}

/* The names of all presets, for a fault; put together behind the source. */
static const char *preset_names(struct reader *reader)
{
	size_t start = reader->spare.len;
	struct preset preset;

	for (size_t i = 0; i < preset_count(); i++) {
		preset_at(i, &preset);
		if (i)
			buf_char(&reader->spare, ' ');
		buf_add(&reader->spare, preset.name);
	}
	return reader->spare.full ? NULL : reader->spare.data + start;
}

static void read_preset(struct reader *reader, struct config_rule *rule, struct text key)
{
	size_t mark = reader->spare.len;
	struct preset preset;
	struct text name;

	if (!reader_string(reader, key, &name))
		return;
	rule->preset = name;
	if (preset_find(name, &preset)) {
		reader_tell(reader, fault_place(&reader->json, name), "there is no such preset", name,
		     preset_names(reader));
		buf_cut(&reader->spare, mark);
	}
}

static void read_headers(struct reader *reader, struct config_rule *rule, struct text key)
{
	struct spec_table *table = &reader->table;
	size_t place = reader_place(reader), first = table->count, lines = 0;

	if (!reader_next_is(reader, JSON_OBJECT, "an object is wanted here", key))
		return;
	headers_read(&reader->json, reader->faults, table);
	rule->specs = table->specs + first;
	rule->specs_where = table->where + first;
	rule->specs_count = table->count - first;
	for (size_t i = 0; i < rule->specs_count; i++)
		lines += rule->specs[i].kind != SPEC_MEMBER && rule->specs[i].kind != SPEC_OMIT &&
			 rule->specs[i].kind != SPEC_FANOUT;
	if (lines > LINES_MAX)
		reader_tell(reader, place, "there are more than ten headers", key, NULL);
	if (table->full)
		reader_tell(reader, place, "there are too many headers and members in all", key, NULL);
	table->full = false;
}

/* Whether it is `word`; anything that is not among the known words is told. */
static bool read_choice(struct reader *reader, struct text key, struct text wanted, const char *known)
{
	struct text rest = text_of(known), word, choice;

	if (!reader_string(reader, key, &word))
		return false;
	while (text_next(&rest, ' ', &choice)) {
		if (text_eq(word, choice))
			return text_eq(word, wanted);
	}
	reader_tell(reader, fault_place(&reader->json, word), "there is no such choice", word, known);
	return false;
}

static void read_require(struct reader *reader, struct config_rule *rule, struct text key)
{
	struct text name;

	if (!reader_array(reader, key))
		return;
	while (reader_next_string(reader, key, &name)) {
		enum field field = field_by_name(name);

		if (field < FIELD_COUNT)
			rule->require |= (uint32_t)1 << field;
		else
			reader_tell(reader, fault_place(&reader->json, name), "there is no such field", name,
			     field_words);
	}
}

static enum config_rule_key rule_key(struct text name)
{
	enum config_rule_key key = 0;

	while (key < CONFIG_RULE_KEY_COUNT && !text_eq(name, text_of(config_rule_key_name(key))))
		key++;
	return key;
}

static void read_rule_key(struct reader *reader, struct config_rule *rule, enum config_rule_key key,
			  struct text name)
{
	switch (key) {
	case CONFIG_RULE_MATCH:
		read_match(reader, rule, name);
		break;
	case CONFIG_RULE_ENDPOINTS:
		read_endpoints(reader, rule, name);
		break;
	case CONFIG_RULE_PRESET:
		read_preset(reader, rule, name);
		break;
	case CONFIG_RULE_HEADERS:
		read_headers(reader, rule, name);
		break;
	case CONFIG_RULE_ON_CONFLICT:
		rule->replace = read_choice(reader, name, TEXT("replace"), "keep replace");
		break;
	case CONFIG_RULE_REQUIRE:
		read_require(reader, rule, name);
		break;
	case CONFIG_RULE_MAX_HEADERS:
		rule->max_headers = (uint8_t)reader_number(reader, LINES_MAX, name);
		break;
	case CONFIG_RULE_CONVERSATION:
		rule->derive = read_choice(reader, name, TEXT("derive"), "derive");
		break;
	case CONFIG_RULE_KEY_COUNT:
		reader_unknown_key(reader, name, key_words);
		break;
	}
}

/* A rule without patterns is for its preset's own hosts. */
static void check_relays(struct reader *reader, const struct config_rule *rule)
{
	struct preset preset;

	if (rule->key_where[CONFIG_RULE_MATCH])
		return;
	if (!rule->key_where[CONFIG_RULE_PRESET])
		reader_tell(reader, rule->where, "it names no relay: \"match\" is missing", TEXT(""), NULL);
	else if (!preset_find(rule->preset, &preset) && !preset.hosts.len)
		reader_tell(reader, rule->where,
		     "it names no relay: \"match\" is missing, and its preset has no hosts of its own",
		     rule->preset, NULL);
}

void rule_read(struct reader *reader)
{
	struct config *config = &reader->block->config;
	struct config_rule *rule = &config->rules[config->rules_count];
	size_t place = reader_place(reader);
	struct text name, none;

	if (config->rules_count == CONFIG_RULES_MAX) {
		if (json_skip(&reader->json, NULL))
			reader_tell(reader, place, "there are too many rules", TEXT("relays"), NULL);
		return;
	}
	if (!reader_object(reader, TEXT("relays")))
		return;
	rule->where = place;
	rule->max_headers = LINES_MAX;
	endpoint_parse(TEXT(""), &rule->endpoints, &none);
	while (json_member(&reader->json, &name)) {
		enum config_rule_key key = rule_key(name);

		if (reader_remark(reader, name))
			continue;
		if (key < CONFIG_RULE_KEY_COUNT)
			reader_note_key(reader, &rule->key_where[key], name);
		read_rule_key(reader, rule, key, name);
	}
	if (reader->json.fault)
		return;
	check_relays(reader, rule);
	config->rules_count++;
}
