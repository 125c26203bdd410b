// SPDX-License-Identifier: MIT
/*
 * The JSON reader: any bytes. What it takes cJSON takes as well and reads the same in it; a string
 * that is written again is read the same.
 */
#include "fuzz.h"
#include "json_same.h"

static bool has_long_number(const char *document, size_t size)
{
	size_t run = 0;

	for (size_t i = 0; i < size; i++) {
		run = memchr("0123456789+-.eE", document[i], 15) ? run + 1 : 0;
		if (run >= JSON_NUMBER_MAX)
			return true;
	}
	return false;
}

static void compare(const uint8_t *data, size_t size)
{
	char *document = fuzz_copy(data, size);
	struct json json;
	cJSON *other = cJSON_ParseWithLengthOpts(document, size, NULL, false);

	json_init(&json, document, size);
	CHECK(other && json_same(&json, other) && json_end(&json));
	cJSON_Delete(other);
	free(document);
}

static void write_again(const uint8_t *data, size_t size)
{
	char *document = fuzz_copy(data, size), *written;
	struct text text, again;
	struct json json;
	struct buf buf;

	json_init(&json, document, size);
	if (json_string(&json, &text)) {
		written = malloc(6 * text.len + 3);
		CHECK(written);
		buf_init(&buf, written, 6 * text.len + 3);
		json_write_string(&buf, text);
		CHECK(!buf.full);
		json_init(&json, written, buf.len);
		CHECK(json_string(&json, &again) && json_end(&json) && text_eq(text, again));
		free(written);
	}
	free(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *document = fuzz_copy(data, size);
	struct json json;
	bool taken;

	/* Looking does not change the text: it may be read again. */
	json_init(&json, document, size);
	taken = json_skip(&json, NULL) && json_end(&json);
	CHECK(!size || !memcmp(document, data, size));
	CHECK(taken == !json.error && json_where(&json) <= size);
	free(document);
	if (taken && !has_long_number((const char *)data, size) && !memmem(data, size, "\\u0000", 6))
		compare(data, size);
	write_again(data, size);
	return 0;
}
