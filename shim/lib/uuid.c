// SPDX-License-Identifier: MIT
/* Request ids are of version 7, because relays keep them in databases: they sort by time. */
#include "lib/uuid.h"

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

void uuid_format(struct buf *buf, const uint8_t uuid[UUID_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	static const uint8_t places[UUID_BYTES] = { 0,	2,  4,	6,  9,	11, 14, 16,
						    19, 21, 24, 26, 28, 30, 32, 34 };
	char text[] = "00000000-0000-0000-0000-000000000000";

	for (size_t i = 0; i < UUID_BYTES; i++) {
		text[places[i]] = digits[uuid[i] >> 4];
		text[places[i] + 1] = digits[uuid[i] & 15];
	}
	buf_add(buf, (struct text){ text, sizeof(text) - 1 });
}
