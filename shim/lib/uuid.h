/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lib/buf.h"

#define UUID_BYTES 16

/* UUID version 7 (RFC 9562 section 5.7): unix_ms in the first 48 bits, then version, the rest from
 * `random`. */
void uuid7_make(uint8_t ret_uuid[UUID_BYTES], uint64_t unix_ms, const uint8_t random[10]);
/* Makes 16 bytes of a hash a UUID version 8 (section 5.8) by setting version and variant. */
void uuid8_make(uint8_t uuid[UUID_BYTES]);
/* Appends the 36 characters of section 4, lower case. */
void uuid_format(struct buf *buf, const uint8_t uuid[UUID_BYTES]);
