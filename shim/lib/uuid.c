// SPDX-License-Identifier: MIT
/* Request ids are of version 7, because relays keep them in databases: they sort by time. */
#include "lib/uuid.h"

#include <endian.h>
#include <string.h>

void uuid7_make(uint8_t ret_uuid[UUID_BYTES], uint64_t unix_ms, const uint8_t random[10])
{
	for (int i = 0; i < 6; i++)
		ret_uuid[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
	memcpy(ret_uuid + 6, random, 10);
	ret_uuid[6] = 0x70 | (ret_uuid[6] & 0x0F); /* version 7 */
	ret_uuid[8] = 0x80 | (ret_uuid[8] & 0x3F); /* variant of RFC 9562 */
}

void uuid8_make(uint8_t uuid[UUID_BYTES])
{
	uuid[6] = 0x80 | (uuid[6] & 0x0F); /* version 8 */
	uuid[8] = 0x80 | (uuid[8] & 0x3F); /* variant of RFC 9562 */
}

/* Eight digits at once: each byte of the word holds a nibble first. Those of 10 and more, which reach
 * 16 when 6 is added, go on from behind '9' to 'a'. */
static uint64_t hex_digits(const uint8_t bytes[4])
{
	const uint64_t each = 0x0101010101010101;
	uint32_t word;
	uint64_t x;

	memcpy(&word, bytes, sizeof(word));
	x = le32toh(word);
	x = (x | x << 16) & 0x0000FFFF0000FFFF;
	x = (x | x << 8) & 0x00FF00FF00FF00FF;
	x = (x >> 4 & 0x000F000F000F000F) | (x & 0x000F000F000F000F) << 8;
	return htole64(x + '0' * each + ((x + 6 * each) >> 4 & each) * ('a' - '9' - 1));
}

void uuid_format(struct buf *buf, const uint8_t uuid[UUID_BYTES])
{
	char text[] = "00000000-0000-0000-0000-000000000000";
	uint64_t digits[UUID_BYTES / 4] = { 0 };
	const char *from = (const char *)digits;

	for (size_t i = 0; i < UUID_BYTES / 4; i++)
		digits[i] = hex_digits(uuid + 4 * i);
	memcpy(text, from, 8);
	memcpy(text + 9, from + 8, 4);
	memcpy(text + 14, from + 12, 4);
	memcpy(text + 19, from + 16, 4);
	memcpy(text + 24, from + 20, 12);
	buf_add(buf, (struct text){ text, sizeof(text) - 1 });
}
