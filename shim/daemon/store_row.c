// SPDX-License-Identifier: MIT
/* Scopes as JSON objects of one line, with the members that the protocol uses. */
#include "daemon/store.h"

#include <limits.h>

#include "lib/json.h"
#include "protocol/message.h"

void store_row_write(struct buf *buf, const struct store_row *row)
{
	buf_char(buf, '{');
	json_write_number(buf, "revision", row->revision);
	json_write_text(buf, "scope", row->name);
	json_write_number(buf, "serial", row->serial);
	json_write_number(buf, "pid", (uint64_t)row->pid);
	json_write_number(buf, "start", row->start);
	json_write_number(buf, "expires", row->expires_ms);
	json_write_text(buf, "parent", row->parent);
	member_write_fields(buf, "context", row->value);
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!row->opened_with[field].len)
			continue;
		member_write_fields(buf, "opened_with", row->opened_with);
		break;
	}
	buf_char(buf, '}');
}

bool store_row_read(char *line, size_t len, struct store_row *ret_row)
{
	struct store_row row = { 0 };
	struct json json;
	struct text key;
	uint64_t pid = 0;

	json_init(&json, line, len);
	json_object(&json);
	while (json_member(&json, &key)) {
		if (text_eq(key, TEXT("revision")))
			json_number(&json, UINT64_MAX, &row.revision);
		else if (text_eq(key, TEXT("scope")))
			json_string(&json, &row.name);
		else if (text_eq(key, TEXT("serial")))
			json_number(&json, UINT64_MAX, &row.serial);
		else if (text_eq(key, TEXT("pid")))
			json_number(&json, INT_MAX, &pid);
		else if (text_eq(key, TEXT("start")))
			json_number(&json, UINT64_MAX, &row.start);
		else if (text_eq(key, TEXT("expires")))
			json_number(&json, UINT64_MAX, &row.expires_ms);
		else if (text_eq(key, TEXT("parent")))
			json_string(&json, &row.parent);
		else if (text_eq(key, TEXT("context")))
			member_read_fields(&json, row.value);
		else if (text_eq(key, TEXT("opened_with")))
			member_read_fields(&json, row.opened_with);
		else
			json_skip(&json, NULL);
	}
	if (!json_end(&json) || !row.name.len)
		return false;
	row.pid = (pid_t)pid;
	*ret_row = row;
	return true;
}
