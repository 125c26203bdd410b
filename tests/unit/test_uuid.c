// SPDX-License-Identifier: MIT
/* UUID version 7 (RFC 9562). */
#include "suite.h"

#include "lib/uuid.h"

#define NS_PER_MS UINT64_C(1000000)

struct row {
	uint64_t unix_ns;
	uint8_t random[UUID7_RANDOM_BYTES];
	const char *text;
};

static const struct row rows[] = {
	/* appendix A.6 */
	{ 0x017F22E279B0 * NS_PER_MS + 797608,
	  { 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F },
	  "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" },
	/* version and variant win over the random bits, and nothing else is lost */
	{ 0, { 0 }, "00000000-0000-7000-8000-000000000000" },
	{ 999999,
	  { 255, 255, 255, 255, 255, 255, 255, 255 },
	  "00000000-0000-7fff-bfff-ffffffffffff" },
	{ 244, { 0 }, "00000000-0000-7000-8000-000000000000" },
	{ 245, { 0 }, "00000000-0000-7001-8000-000000000000" },
	/* to the year 2554 */
	{ UINT64_MAX, { 0 }, "10c6f7a0-b5ed-78d3-8000-000000000000" },
};

static void texts(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t uuid[UUID_BYTES];
		char memory[64];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		uuid7_make(uuid, rows[i].unix_ns, rows[i].random);
		uuid_format(&buf, uuid);
		CHECK_TEXT(buf_since(&buf, 0), text_of(rows[i].text), "uuid");
		CHECK(uuid[6] >> 4 == 7, "version");
		CHECK(uuid[8] >> 6 == 2, "variant");
	}
}

static void order(void)
{
	static const uint8_t high[UUID7_RANDOM_BYTES] = { 255, 255 },
			     low[UUID7_RANDOM_BYTES] = { 0 };
	uint8_t earlier[UUID_BYTES], later[UUID_BYTES];

	uuid7_make(earlier, 1767225600000 * NS_PER_MS, high);
	uuid7_make(later, 1767225600000 * NS_PER_MS + 245, low);
	CHECK(memcmp(earlier, later, UUID_BYTES) < 0, "they sort by time");
}

static const struct suite_test tests[] = { TEST(texts), TEST(order) };

SUITE("uuid", tests)
