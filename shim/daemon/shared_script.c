// SPDX-License-Identifier: MIT
/* Calls of the script that is the only way to a scope in the shared store, and its answers. A value
 * that no service of ours would have written is not let through. */
#include "daemon/shared_script.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "shared_script_text.h"

#define KEY_AT 3
#define DEADLINE_AT 5

static void add_word(struct script_call *call, struct buf *memory, struct text text)
{
	size_t start = memory->len;

	buf_add(memory, text);
	call->word[call->count] = memory->data + start;
	call->bytes[call->count++] = text.len;
}

struct text script_channel(const struct shared_address *address, struct text name,
			   char memory[SHARED_KEY_BYTES_MAX])
{
	struct buf buf;

	buf_init(&buf, memory, SHARED_KEY_BYTES_MAX);
	buf_add(&buf, text_of(address->prefix));
	buf_add(&buf, TEXT("changes:"));
	buf_number(&buf, (uint64_t)address->database); /* channels are not of one database */
	buf_char(&buf, ':');
	buf_add(&buf, name);
	return buf_since(&buf, 0);
}

struct script_call *script_call_new(const struct shared_address *address,
				    const struct shared_change *change)
{
	static const char *const op_words[] = {
		[SHARED_GET] = "get",	  [SHARED_SET] = "set",	    [SHARED_PUT] = "put",
		[SHARED_UNSET] = "unset", [SHARED_CLOSE] = "close",
	};
	bool sets = change->op == SHARED_SET || change->op == SHARED_PUT;
	char key_memory[SHARED_KEY_BYTES_MAX], channel_memory[SHARED_KEY_BYTES_MAX],
		number_memory[24];
	size_t bytes = 2 * SHARED_KEY_BYTES_MAX + 64;
	struct script_call *call;
	struct buf key, number, memory;

	for (enum field field = 0; field < FIELD_COUNT; field++)
		bytes += strlen(field_name(field)) + change->value[field].len;
	call = calloc(1, sizeof(*call) + bytes);
	if (!call)
		return NULL;
	buf_init(&memory, call->memory, bytes);
	buf_init(&key, key_memory, sizeof(key_memory));
	buf_add(&key, text_of(address->prefix));
	buf_add(&key, TEXT("scope:"));
	buf_add(&key, change->name);
	buf_init(&number, number_memory, sizeof(number_memory));
	buf_number(&number, change->ttl_ms);
	call->op = change->op;
	add_word(call, &memory, TEXT("EVAL"));
	call->word[call->count] = shared_script_text;
	call->bytes[call->count++] = sizeof(shared_script_text) - 1;
	add_word(call, &memory, TEXT("1"));
	add_word(call, &memory, buf_since(&key, 0));
	add_word(call, &memory, text_of(op_words[change->op]));
	script_call_set_deadline(call, 0); /* another one when it is sent */
	call->count++;
	add_word(call, &memory, buf_since(&number, 0));
	add_word(call, &memory, script_channel(address, change->name, channel_memory));
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!(sets ? change->value[field].len > 0 : change->unset[field]))
			continue;
		add_word(call, &memory, text_of(field_name(field)));
		if (sets)
			add_word(call, &memory, change->value[field]);
	}
	call->name = (struct text){ call->word[KEY_AT] + key.len - change->name.len,
				    change->name.len };
	return call;
}

void script_call_set_deadline(struct script_call *call, uint64_t deadline_ms)
{
	struct buf deadline;

	buf_init(&deadline, call->deadline, sizeof(call->deadline));
	buf_number(&deadline, deadline_ms);
	call->word[DEADLINE_AT] = call->deadline;
	call->bytes[DEADLINE_AT] = deadline.len;
}

struct text reply_text(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS &&
	    reply->type != REDIS_REPLY_ERROR)
		return (struct text){ NULL, 0 };
	return (struct text){ reply->str, (size_t)reply->len };
}

/* "ok", whether it exists, its revision, its time to live, then its members: as texts. */
static bool read_row(const struct text *part, size_t count, struct shared_row *ret_row)
{
	struct shared_row row = { 0 };
	unsigned long revision, ttl_ms;

	if (count < 4 || count % 2 || !text_eq(part[0], TEXT("ok")) ||
	    !text_number(part[2], INT64_MAX, &revision) ||
	    !text_number(part[3], INT64_MAX, &ttl_ms))
		return false;
	row.exists = text_eq(part[1], TEXT("1"));
	row.revision = revision;
	row.ttl_ms = ttl_ms;
	for (size_t i = 4; i < count; i += 2) {
		enum field field = field_by_name(part[i]);

		if (field == FIELD_COUNT) /* "v", "revision", or a later version's */
			continue;
		if (wire_value_error(field, part[i + 1]))
			return false;
		row.value[field] = part[i + 1];
	}
	*ret_row = row;
	return true;
}

static enum script_answer read_parts(const struct text *part, size_t count,
				     struct shared_row *ret_row)
{
	if (count && text_eq(part[0], TEXT("absent")))
		return SCRIPT_ABSENT;
	if (count && text_eq(part[0], TEXT("late")))
		return SCRIPT_LATE;
	return read_row(part, count, ret_row) ? SCRIPT_ROW : SCRIPT_FOREIGN;
}

enum script_answer script_read_reply(const redisReply *reply, struct shared_row *ret_row)
{
	struct text part[SHARED_PARTS_MAX];
	size_t count = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

	if (count > SHARED_PARTS_MAX)
		return SCRIPT_FOREIGN;
	for (size_t i = 0; i < count; i++)
		part[i] = reply_text(reply->element[i]);
	return read_parts(part, count, ret_row);
}

enum script_answer script_read_message(char *message, size_t len, struct shared_row *ret_row)
{
	struct text part[SHARED_PARTS_MAX];
	size_t count = 0;
	struct json json;

	json_init(&json, message, len);
	json_array(&json);
	while (json_element(&json) && count < SHARED_PARTS_MAX && json_string(&json, &part[count]))
		count++;
	return json_end(&json) ? read_parts(part, count, ret_row) : SCRIPT_FOREIGN;
}
