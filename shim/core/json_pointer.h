/* SPDX-License-Identifier: MIT */
/* One value of a body, by JSON pointer. */
#ifndef TAGALONG_CORE_JSON_POINTER_H
#define TAGALONG_CORE_JSON_POINTER_H

#include <stdbool.h>

#include "lib/buf.h"

/*
 * Appends the text, number or boolean that the pointer (RFC 6901, "/metadata/task_id") leads to; of
 * members of one name the first. The body is looked at up to that value, and up to BODY_BYTES_MAX.
 * False, and nothing appended, when there is none, when it is null, an object or a list, or when it
 * does not fit.
 */
bool pointer_value(struct text body, struct text pointer, struct buf *ret_value);

#endif
