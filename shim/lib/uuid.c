// SPDX-License-Identifier: MIT
/* Request ids are of version 7, because relays keep them in databases: they sort by time. */
#include "lib/uuid.h"

#include <endian.h>
#include <string.h>

void uuid7_make(uint8_t ret_uuid[UUID_BYTES], uint64_t unix_ms,
		const uint8_t random[UUID7_RANDOM_BYTES])
{
	uint64_t time = htobe64(unix_ms << 16);

	memcpy(ret_uuid, &time, sizeof(time));
	memcpy(ret_uuid + 6, random, UUID7_RANDOM_BYTES);
	ret_uuid[6] = 0x70 | (ret_uuid[6] & 0x0F); /* version 7 */
	ret_uuid[8] = 0x80 | (ret_uuid[8] & 0x3F); /* variant of RFC 9562 */
}

void uuid8_make(uint8_t uuid[UUID_BYTES])
{
	uuid[6] = 0x80 | (uuid[6] & 0x0F); /* version 8 */
	uuid[8] = 0x80 | (uuid[8] & 0x3F); /* variant of RFC 9562 */
}

void uuid_text(char ret_text[UUID_TEXT_BYTES], const uint8_t uuid[UUID_BYTES])
{
	uint64_t digits[UUID_BYTES / 4];
	const char *from;

	for (size_t i = 0; i < UUID_BYTES / 4; i++)
		digits[i] = hex_digits(uuid + 4 * i);
	from = (const char *)digits;
	memcpy(ret_text, from, 8);
	memcpy(ret_text + 9, from + 8, 4);
	memcpy(ret_text + 14, from + 12, 4);
	memcpy(ret_text + 19, from + 16, 4);
	memcpy(ret_text + 24, from + 20, 12);
	ret_text[8] = ret_text[13] = ret_text[18] = ret_text[23] = '-';
}

void uuid_format(struct buf *buf, const uint8_t uuid[UUID_BYTES])
{
	char text[UUID_TEXT_BYTES];

	uuid_text(text, uuid);
	buf_add(buf, (struct text){ text, sizeof(text) });
}
