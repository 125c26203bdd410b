// SPDX-License-Identifier: MIT
/* Request ids are of version 7, because relays keep them in databases: they sort by time. */
#include "lib/uuid.h"

#include <endian.h>
#include <string.h>

#define NS_PER_MS 1000000

void uuid7_make(uint8_t ret_uuid[UUID_BYTES], uint64_t unix_ns,
		const uint8_t random[UUID7_RANDOM_BYTES])
{
	uint64_t part = (unix_ns % NS_PER_MS << 12) / NS_PER_MS;
	uint64_t start = htobe64(unix_ns / NS_PER_MS << 16 | 7 << 12 | part); /* version 7 */

	memcpy(ret_uuid, &start, sizeof(start));
	memcpy(ret_uuid + 8, random, UUID7_RANDOM_BYTES);
	ret_uuid[8] = 0x80 | (ret_uuid[8] & 0x3F); /* variant of RFC 9562 */
}

void uuid8_make(uint8_t uuid[UUID_BYTES])
{
	uuid[6] = 0x80 | (uuid[6] & 0x0F); /* version 8 */
	uuid[8] = 0x80 | (uuid[8] & 0x3F); /* variant of RFC 9562 */
}

void uuid_text(char ret_text[UUID_TEXT_BYTES], const uint8_t uuid[UUID_BYTES])
{
	char digits[2 * UUID_BYTES];

	hex_digits(digits, uuid);
	hex_digits(digits + HEX_STEP_DIGITS, uuid + HEX_STEP_BYTES);
	memcpy(ret_text, digits, 8);
	memcpy(ret_text + 9, digits + 8, 4);
	memcpy(ret_text + 14, digits + 12, 4);
	memcpy(ret_text + 19, digits + 16, 4);
	memcpy(ret_text + 24, digits + 20, 12);
	ret_text[8] = ret_text[13] = ret_text[18] = ret_text[23] = '-';
}

void uuid_format(struct buf *buf, const uint8_t uuid[UUID_BYTES])
{
	char text[UUID_TEXT_BYTES];

	uuid_text(text, uuid);
	buf_add(buf, (struct text){ text, sizeof(text) });
}
