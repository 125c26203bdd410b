// SPDX-License-Identifier: MIT
/*
 * The scan of request bodies: any bytes, cut anywhere. The first byte says where. Held against the
 * strict reader of json/: in a whole document a value by pointer is the one that it has there.
 */
#include "fuzz.h"

#include <string.h>

#include "lib/limits.h"
#include "core/conversation.h"
#include "core/header_signals.h"
#include "lib/json.h"

static const uint8_t key[SIPHASH_KEY_BYTES] = { 1, 2, 3 };

static bool derive(struct text body, char memory[40])
{
	char signal[VALUE_BYTES_MAX + 1];
	struct conversation conversation;
	struct buf id;

	buf_init(&id, signal, sizeof(signal));
	conversation_read(body, &conversation, &id);
	CHECK(conversation.signal ? signal_is_fit(buf_since(&id, 0)) : !id.len);
	buf_init(&id, memory, 40);
	if (conversation.has_words)
		conversation_id_add(&id, key, conversation.words, TEXT("place"));
	CHECK(conversation.has_words ? id.len == 36 && id.data[14] == '8' : id.len == 0);
	return conversation.has_words;
}

/* What stands behind the end of the first message does not matter: whatever is put there, the id is
 * the same, or, where the message was not complete, there is one now or none. */
static void check_conversation(struct text body)
{
	static char longer[1 << 16];
	char first[40], second[40];

	if (!derive(body, first) || body.len + 1 >= sizeof(longer))
		return;
	memcpy(longer, body.ptr, body.len);
	longer[body.len] = '}';
	CHECK(derive((struct text){ longer, body.len + 1 }, second));
	CHECK(!strcmp(first, second));
}

/* The value of the first member of this name, by the strict reader; false when there is no object. */
static bool enter_member(struct json *json, struct text name)
{
	struct text word;

	if (json_peek(json) != JSON_OBJECT || !json_object(json))
		return false;
	while (json_member(json, &word)) {
		if (text_eq(word, name))
			return true;
		json_skip(json, NULL);
	}
	return false;
}

static void check_pointer(struct text body)
{
	char memory[VALUE_BYTES_MAX + 1], *whole, *copy;
	struct text text;
	struct json json;
	struct buf value;
	bool found;

	buf_init(&value, memory, sizeof(memory));
	found = json_pointer(body, TEXT("/metadata/task_id"), &value);
	CHECK(found || !value.len);
	/* The walk is not as strict as the reader, so the two have to agree where it is JSON. */
	whole = fuzz_copy(body.ptr, body.len);
	json_init(&json, whole, body.len);
	json_skip(&json, NULL);
	if (json_end(&json)) {
		copy = fuzz_copy(body.ptr, body.len);
		json_init(&json, copy, body.len);
		if (enter_member(&json, TEXT("metadata")) && enter_member(&json, TEXT("task_id")) &&
		    json_peek(&json) == JSON_STRING && json_string(&json, &text) &&
		    text.len <= VALUE_BYTES_MAX)
			CHECK(found && text_eq(text, buf_since(&value, 0)));
		free(copy);
	}
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text body;

	if (size < 1)
		return 0;
	body.len = size - 1 - (size - 1) * data[0] / 256;
	/* Of its own size, so that one byte too far is seen. */
	body.ptr = fuzz_copy(data + 1, body.len);
	check_conversation(body);
	check_pointer(body);
	free((char *)body.ptr);
	return 0;
}
