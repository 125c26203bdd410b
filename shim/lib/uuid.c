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
	static const uint8_t groups[] = { 4, 2, 2, 2, 6 };

	for (size_t i = 0; i < sizeof(groups); i++) {
		if (i)
			buf_char(buf, '-');
		buf_hex(buf, uuid, groups[i]);
		uuid += groups[i];
	}
}
