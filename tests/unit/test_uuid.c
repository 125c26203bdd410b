// SPDX-License-Identifier: MIT
/* UUID version 7 (RFC 9562). */
#include "suite.h"

#include "lib/uuid.h"

struct row {
	uint64_t unix_ms;
	uint8_t random[10];
	const char *text;
};

static const struct row rows[] = {
	/* appendix A.6 */
	{ 0x017F22E279B0, { 0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F },
	  "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" },
	/* version and variant win over the random bits, and nothing else is lost */
	{ 0, { 0 }, "00000000-0000-7000-8000-000000000000" },
	{ 0xFFFFFFFFFFFF, { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
	  "ffffffff-ffff-7fff-bfff-ffffffffffff" },
	/* 48 bits of time, to the year 10889 */
	{ 0x1000000000001, { 0 }, "00000000-0001-7000-8000-000000000000" },
};

static void texts(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t uuid[UUID_BYTES];
		char memory[64];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		uuid7_make(uuid, rows[i].unix_ms, rows[i].random);
		uuid_format(&buf, uuid);
		CHECK_TEXT(buf_since(&buf, 0), text_of(rows[i].text), "uuid");
		CHECK(uuid[6] >> 4 == 7, "version");
		CHECK(uuid[8] >> 6 == 2, "variant");
	}
}

static void order(void)
{
	static const uint8_t high[10] = { 255, 255 }, low[10] = { 0 };
	uint8_t earlier[UUID_BYTES], later[UUID_BYTES];

	uuid7_make(earlier, 1767225600000, high);
	uuid7_make(later, 1767225600001, low);
	CHECK(memcmp(earlier, later, UUID_BYTES) < 0, "they sort by time");
}

static const struct suite_test tests[] = { TEST(texts), TEST(order) };

SUITE("uuid", tests)
