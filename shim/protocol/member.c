// SPDX-License-Identifier: MIT
/* Fields, written into and read from JSON objects. */
#include "protocol/member.h"

void member_write_fields(struct buf *buf, const char *key, const struct text value[FIELD_COUNT])
{
	json_write_key(buf, key);
	buf_char(buf, '{');
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!value[field].len)
			continue;
		json_write_key(buf, field_name(field));
		json_write_string(buf, value[field]);
	}
	buf_char(buf, '}');
}

void member_read_fields(struct json *json, struct text ret_value[FIELD_COUNT])
{
	struct text key;

	json_object(json);
	while (json_member(json, &key)) {
		enum field field = field_by_name(key);

		if (field < FIELD_COUNT)
			json_string(json, &ret_value[field]);
		else
			json_skip(json, NULL);
	}
}
