/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lib/buf.h"

#define UUID_BYTES 16
#define UUID_TEXT_BYTES 36
#define UUID7_RANDOM_BYTES 8

/* UUID version 7 (RFC 9562 section 5.7): the milliseconds of unix_ns in the first 48 bits, the fraction
 * of one in 12 more (section 6.2, method 3), the rest from `random`. */
void uuid7_make(uint8_t ret_uuid[UUID_BYTES], uint64_t unix_ns,
		const uint8_t random[UUID7_RANDOM_BYTES]);
/* Makes 16 bytes of a hash a UUID version 8 (section 5.8) by setting version and variant. */
void uuid8_make(uint8_t uuid[UUID_BYTES]);
/* The 36 characters of section 4, lower case, without a NUL; or appends them. */
void uuid_text(char ret_text[UUID_TEXT_BYTES], const uint8_t uuid[UUID_BYTES]);
void uuid_format(struct buf *buf, const uint8_t uuid[UUID_BYTES]);
