/* SPDX-License-Identifier: MIT */
/* Fields as members of an object: what requests, replies and the state file share. */
#ifndef TAGALONG_PROTOCOL_MEMBER_H
#define TAGALONG_PROTOCOL_MEMBER_H

#include "core/context.h"
#include "lib/json.h"

/* Appends `"key":{...}` with the fields that have a value. */
void member_write_fields(struct buf *buf, const char *key, const struct text value[FIELD_COUNT]);
/* Reads an object of fields. Unknown names are passed over; a value that is no string is a fault of
 * the reader. */
void member_read_fields(struct json *json, struct text ret_value[FIELD_COUNT]);

#endif
