// SPDX-License-Identifier: MIT
/*
 * Reading a configuration. Everything is checked when it is read, so that a request only looks
 * things up; everything that is wrong is told, not only the first thing.
 */
#include "core/config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/config_reader.h"

static void read_service(struct reader *reader)
{
	struct config *config = &reader->block->config;
	struct text name;

	if (!reader_object(reader, TEXT("service")))
		return;
	while (json_member(&reader->json, &name)) {
		if (reader_remark(reader, name))
			continue;
		if (!text_eq(name, TEXT("timeout_ms"))) {
			reader_unknown_key(reader, name, "timeout_ms");
			continue;
		}
		reader_note_key(reader, &config->timeout_where, name);
		config->timeout_ms = reader_number(reader, SERVICE_TIMEOUT_MS_MAX, name);
	}
}

static void adopt(struct reader *reader, enum field field, struct text variable)
{
	struct config *config = &reader->block->config;
	size_t place = fault_place(&reader->json, variable), start = reader->spare.len;

	if (!name_is_variable(variable)) {
		reader_tell(reader, place, "no environment variable has such a name", variable, NULL);
		return;
	}
	if (config->adopted_count == CONFIG_ADOPTED_MAX) {
		reader_tell(reader, place, "there are too many adopted variables", variable, NULL);
		return;
	}
	buf_add(&reader->spare, variable);
	buf_char(&reader->spare, '\0');
	config->adopted[config->adopted_count++] =
		(struct config_adopted){ field, reader->spare.data + start, place };
}

static void read_adopt(struct reader *reader)
{
	struct text name, variable;
	size_t seen[FIELD_COUNT] = { 0 };

	if (!reader_object(reader, TEXT("adopt")))
		return;
	while (json_member(&reader->json, &name)) {
		enum field field = field_by_name(name);

		if (reader_remark(reader, name))
			continue;
		if (field == FIELD_COUNT) {
			reader_unknown_key(reader, name, field_words);
			continue;
		}
		reader_note_key(reader, &seen[field], name);
		if (!reader_array(reader, name))
			continue;
		while (reader_next_string(reader, name, &variable))
			adopt(reader, field, variable);
	}
}

static void read_log(struct reader *reader)
{
	struct config *config = &reader->block->config;
	size_t place = reader_place(reader);
	struct text path;

	if (!reader_string(reader, TEXT("log"), &path))
		return;
	if (!path.len || path.ptr[0] != '/')
		reader_tell(reader, place, "an absolute path is wanted here", path, NULL);
	else if (path.len >= PATH_BYTES_MAX || memchr(path.ptr, '\0', path.len))
		reader_tell(reader, place, "no file has such a path", TEXT("log"), NULL);
	else
		config->log = path;
}

static void read_relays(struct reader *reader)
{
	if (!reader_array(reader, TEXT("relays")))
		return;
	while (json_element(&reader->json))
		rule_read(reader);
}

static void read_document(struct reader *reader)
{
	size_t relays = 0, service = 0, adopted = 0;
	struct text name;

	for (json_object(&reader->json); json_member(&reader->json, &name);) {
		if (reader_remark(reader, name))
			continue;
		if (text_eq(name, TEXT("relays"))) {
			reader_note_key(reader, &relays, name);
			read_relays(reader);
		} else if (text_eq(name, TEXT("service"))) {
			reader_note_key(reader, &service, name);
			read_service(reader);
		} else if (text_eq(name, TEXT("adopt"))) {
			reader_note_key(reader, &adopted, name);
			read_adopt(reader);
		} else if (text_eq(name, TEXT("log"))) {
			reader_note_key(reader, &reader->block->config.log_where, name);
			read_log(reader);
		} else {
			reader_unknown_key(reader, name, "relays service adopt log");
		}
	}
	if (!json_end(&reader->json))
		reader_tell(reader, json_where(&reader->json), reader->json.fault, TEXT(""), NULL);
}

static bool names_body(const struct spec *spec)
{
	struct text rest = spec->value;

	while (rest.len) {
		if (text_starts_with(rest, TEXT("body:/")))
			return true;
		rest = text_from(rest, 1);
	}
	return false;
}

static void finish(struct block *block, struct text source)
{
	struct config *config = &block->config;
	size_t column;

	for (size_t i = 0; i < config->rules_count; i++) {
		config->wants_body |= config->rules[i].derive;
		fault_line(source, config->rules[i].where, &config->rules[i].line, &column);
	}
	for (size_t i = 0; i < CONFIG_ROWS_MAX; i++)
		config->wants_body |= names_body(&block->specs[i]);
}

int config_read(struct text source, struct faults *faults, struct config **ret_config)
{
	struct reader reader = { .faults = faults };
	size_t before = faults->count, spare = source.len + CONFIG_BYTES_MAX / 64;
	struct block *block;

	if (source.len > CONFIG_BYTES_MAX)
		return -EFBIG;
	block = calloc(1, sizeof(*block) + source.len + 1 + spare);
	if (!block)
		return -ENOMEM;
	block->config.rules = block->rules;
	block->config.adopted = block->adopted;
	if (source.len)
		memcpy(block->text, source.ptr, source.len);
	json_init(&reader.json, block->text, source.len);
	buf_init(&reader.spare, block->text + source.len + 1, spare);
	reader.block = block;
	reader.table.specs = block->specs;
	reader.table.where = block->specs_where;
	reader.table.size = CONFIG_ROWS_MAX;
	read_document(&reader);
	if (faults->count > before) {
		free(block);
		return -EINVAL;
	}
	finish(block, source);
	*ret_config = &block->config;
	return 0;
}
