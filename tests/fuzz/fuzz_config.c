// SPDX-License-Identifier: MIT
/*
 * The configuration reader over any bytes. What it takes has only headers that may be sent, and every
 * fault lies inside the text; a text that cJSON refuses is refused here, too.
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

static void on_fault(void *arg, const struct fault *fault)
{
	struct seen *seen = arg;

	seen->count++;
	CHECK(fault->reason && fault->reason[0]);
	CHECK(fault->offset <= seen->size);
	if (fault->word.len && fault->known)
		fault_nearest(fault->word, fault->known);
}

static void check_specs(const struct config_rule *rule)
{
	for (size_t i = 0; i < rule->specs_count; i++) {
		const struct spec *spec = &rule->specs[i];

		if (spec->kind == SPEC_MEMBER) {
			CHECK(i > 0);
			continue;
		}
		CHECK(header_name_ok(spec->name) && !header_name_forbidden(spec->name));
		CHECK(spec->kind == SPEC_FANOUT || text_find(spec->name, '*') < 0);
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
	struct faults faults = { on_fault, &seen, 0 };
	struct config *config = NULL;

	if (config_read(source, &faults, &config)) {
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
