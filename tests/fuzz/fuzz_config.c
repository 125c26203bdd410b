// SPDX-License-Identifier: MIT
/*
 * The configuration reader over any bytes. What it takes has only headers that may be sent, and every
 * error lies inside the text; a text that cJSON refuses is refused here, too.
 */
#include "fuzz.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/limits.h"
#include "core/config.h"
#include "core/header.h"

struct seen {
	size_t size, count;
};

static void on_error(void *arg, const struct config_error *error)
{
	struct seen *seen = arg;

	seen->count++;
	CHECK(error->reason && error->reason[0]);
	CHECK(error->offset <= seen->size);
	if (error->word.len && error->choices)
		config_nearest(error->word, error->choices);
}

static void check_specs(const struct config_rule *rule)
{
	for (size_t i = 0; i < rule->headers_count; i++) {
		const struct header_rule *row = &rule->headers[i];

		if (row->kind == HEADER_MEMBER) {
			CHECK(i > 0);
			continue;
		}
		CHECK(header_name_ok(row->name) && !header_name_forbidden(row->name));
		CHECK(row->kind == HEADER_FANOUT || text_find(row->name, '*') < 0);
	}
}

static void check_config(const struct config *config)
{
	CHECK(config->rules_count <= CONFIG_RULES_MAX);
	CHECK(config->timeout_ms <= SERVICE_TIMEOUT_MS_MAX);
	for (size_t i = 0; i < config->rules_count; i++) {
		const struct config_rule *rule = &config->rules[i];

		CHECK(rule->max_headers >= 1 && rule->max_headers <= LINES_MAX);
		CHECK(rule->patterns_count || rule->preset.len);
		check_specs(rule);
	}
	for (size_t i = 0; i < config->adopted_count; i++)
		CHECK(config->adopted[i].field < FIELD_COUNT && config->adopted[i].variable[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text source = { (const char *)data, size };
	struct seen seen = { .size = size };
	struct config_errors errors = { on_error, &seen, 0 };
	struct config *config = NULL;

	if (config_read(source, &errors, &config)) {
		CHECK(!config && (seen.count || size > CONFIG_BYTES_MAX));
		return 0;
	}
	CHECK(!seen.count);
	check_config(config);
	free(config);
	/* cJSON takes more than JSON allows, never less. */
	if (!memchr(data, 0, size)) {
		cJSON *root = cJSON_ParseWithLength(source.ptr, size);

		CHECK(root);
		cJSON_Delete(root);
	}
	return 0;
}
