// SPDX-License-Identifier: MIT
/*
 * A second opinion: whatever our reader takes, cJSON takes as well and reads the same in it. Not
 * the other way round: cJSON is lax (raw control characters, any bytes for UTF-8, leading zeros).
 * The documents are mutations of some good ones, by a generator that is the same in each run.
 */
#include "suite.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "lib/json.h"
#include "json_same.h"

#define MUTATIONS 40000
#define DOCUMENT_BYTES 256

static const char *const seeds[] = {
	"{\"v\":1,\"op\":\"get\",\"scope\":{\"token\":\"run-1\"}}",
	"{\"v\":1,\"ok\":true,\"revision\":7,\"context\":{\"task_id\":\"T\\u002d42\",\"mode\":\"\"}}",
	"{\"a\":[1,-2.5e3,0,true,false,null,[],{}],\"b\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	"[\"\\ud83d\\ude00\",\"\xC3\xA9\xE2\x82\xAC\",[[[\"x\"]]],{\"k\":{\"l\":1e-2}}]",
	" { \"fields\" : [ \"task_id\" , \"mode\" ] } ",
};

static uint32_t random_state = 42;

static uint32_t random_below(uint32_t limit)
{
	/* xorshift32 (Marsaglia 2003) */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static size_t mutate(char *document, size_t len)
{
	static const char alphabet[] = "{}[]\",:\\u0019abdeftn.+- \n\x80\xC3\xA9";
	uint32_t at = random_below((uint32_t)len);
	char c = alphabet[random_below(sizeof(alphabet) - 1)];

	switch (random_below(4)) {
	case 0:
		document[at] = c;
		return len;
	case 1:
		memmove(document + at, document + at + 1, len - at - 1);
		return len - 1;
	case 2:
		if (len == DOCUMENT_BYTES)
			return len;
		memmove(document + at + 1, document + at, len - at);
		document[at] = c;
		return len + 1;
	default:
		return at ? at : len; /* cut off */
	}
}

/* Whether we take it. cJSON cannot say where a string with a NUL ends. */
static bool compare(const char *document, size_t len)
{
	char copy[DOCUMENT_BYTES + 1];
	struct json json;
	cJSON *other;
	bool same;

	memcpy(copy, document, len);
	copy[len] = '\0';
	json_init(&json, copy, len);
	json_skip(&json, NULL);
	if (!json_end(&json) || strstr(copy, "\\u0000"))
		return false;
	other = cJSON_ParseWithLength(copy, len);
	json_init(&json, copy, len);
	same = other && json_same(&json, other) && json_end(&json);
	if (!same)
		fprintf(stderr, "they differ: %.*s\n", (int)len, document);
	CU_ASSERT_TRUE(same);
	cJSON_Delete(other);
	return true;
}

static void mutations(void)
{
	size_t taken = 0;

	for (int i = 0; i < MUTATIONS; i++) {
		const char *seed = seeds[i % (int)(sizeof(seeds) / sizeof(seeds[0]))];
		char document[DOCUMENT_BYTES];
		size_t len = strlen(seed);

		memcpy(document, seed, len);
		for (uint32_t steps = random_below(4); steps && len; steps--)
			len = mutate(document, len);
		taken += compare(document, len);
	}
	/* Enough of both kinds, or the test tests nothing. */
	CHECK(taken > MUTATIONS / 4 && taken < MUTATIONS * 3 / 4, "taken");
}

static const struct suite_test tests[] = { TEST(mutations) };

SUITE("json against cJSON", tests)
