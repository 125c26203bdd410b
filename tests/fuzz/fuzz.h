/* SPDX-License-Identifier: MIT */
/* What the fuzzers share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"

/* What has to hold whatever the input is. */
#define CHECK(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly this length, so that the sanitizer sees a byte that is read beyond it. */
static inline char *fuzz_copy(const void *data, size_t size)
{
	char *copy = malloc(size ? size : 1);

	CHECK(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static inline bool fuzz_same_values(const struct text a[FIELD_COUNT],
				    const struct text b[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!text_eq(a[field], b[field]))
			return false;
	}
	return true;
}

#endif
