// SPDX-License-Identifier: MIT
/* Finding how a conversation began, and hashing it. */
#include "core/conversation.h"

#include "lib/limits.h"
#include "lib/json.h"
#include "lib/uuid.h"

/* Parts in parts: a message has lists of parts with a source in them, tool results have lists again. */
#define PART_DEPTH_MAX 8

enum speaker { NOBODY, SYSTEM, USER };

struct derivation {
	struct json json;
	const uint8_t *key;
	struct siphash beginning; /* of the conversation */
	/* Of the message that is read: */
	struct siphash message;
	bool said_anything;
};

static void start_message(struct derivation *derivation)
{
	siphash_init(&derivation->message, derivation->key);
	derivation->said_anything = false;
}

/* What was said, and by whom, so that a system prompt is not taken for a question. */
static void end_message(struct derivation *derivation, enum speaker speaker)
{
	uint8_t digest[SIPHASH_BYTES];

	siphash_end(&derivation->message, digest);
	siphash_byte(&derivation->beginning, (uint8_t)speaker);
	siphash_add(&derivation->beginning, (struct text){ (const char *)digest, sizeof(digest) });
}

static void say(struct derivation *derivation, struct text raw)
{
	char bytes[4];
	size_t count;

	derivation->said_anything |= raw.len > 0;
	while ((count = json_unescape(&raw, bytes)))
		siphash_add(&derivation->message, (struct text){ bytes, count });
	siphash_byte(&derivation->message, 0xFF); /* in no UTF-8: the end of one text */
}

/* The keys under which a part says something. */
static bool is_said(struct text key)
{
	static const char keys[][12] = { "text", "content", "url", "image_url", "data", "file_id",
					 "fileUri", "file_uri" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (text_eq(key, text_of(keys[i])))
			return true;
	}
	return false;
}

/* A text, a part, or a list of them. */
static void say_content(struct derivation *derivation, bool counts, unsigned depth)
{
	struct json *json = &derivation->json;
	struct text text;

	switch ((int)json_peek(json)) {
	case JSON_STRING:
		if (json_string(json, &text) && counts)
			say(derivation, text);
		return;
	case JSON_ARRAY:
		if (depth == PART_DEPTH_MAX)
			break;
		json_array(json);
		while (json_element(json))
			say_content(derivation, true, depth + 1);
		return;
	case JSON_OBJECT:
		if (depth == PART_DEPTH_MAX)
			break;
		json_object(json);
		while (json_member(json, &text)) {
			if (text_eq(text, TEXT("cache_control")))
				json_skip(json, NULL);
			else
				say_content(derivation, is_said(text), depth + 1);
		}
		return;
	default:
		break;
	}
	json_skip(json, NULL);
}

static enum speaker speaker_of(struct text role)
{
	if (text_eq(role, TEXT("user")))
		return USER;
	/* OpenAI calls the system prompt of newer models the developer's. */
	if (text_eq(role, TEXT("system")) || text_eq(role, TEXT("developer")))
		return SYSTEM;
	return NOBODY;
}

/* One message. True when it is the first of the user's: then the beginning is complete. */
static bool read_message(struct derivation *derivation, enum speaker speaker)
{
	struct json *json = &derivation->json;
	struct text key, role;

	start_message(derivation);
	if (json_peek(json) != JSON_OBJECT) {
		json_skip(json, NULL);
		return false;
	}
	json_object(json);
	while (json_member(json, &key)) {
		if (text_eq(key, TEXT("role")) && json_peek(json) == JSON_STRING) {
			if (json_string(json, &role))
				speaker = speaker_of(role);
		} else if (text_eq(key, TEXT("content")) || text_eq(key, TEXT("parts"))) {
			say_content(derivation, true, 0);
		} else {
			json_skip(json, NULL);
		}
	}
	if (speaker == NOBODY || !derivation->said_anything)
		return false;
	end_message(derivation, speaker);
	return speaker == USER;
}

static bool read_messages(struct derivation *derivation, enum speaker by_default)
{
	struct json *json = &derivation->json;

	if (json_peek(json) == JSON_STRING) { /* the responses interface: one text of the user's */
		start_message(derivation);
		say_content(derivation, true, 0);
		if (derivation->said_anything)
			end_message(derivation, USER);
		return derivation->said_anything;
	}
	if (json_peek(json) != JSON_ARRAY) {
		json_skip(json, NULL);
		return false;
	}
	json_array(json);
	while (json_element(json)) {
		if (read_message(derivation, by_default))
			return true;
	}
	return false;
}

static void read_system(struct derivation *derivation)
{
	start_message(derivation);
	say_content(derivation, true, 0);
	if (derivation->said_anything)
		end_message(derivation, SYSTEM);
}

/* Whether the user has said something; then the beginning is complete. */
static bool read_body(struct derivation *derivation)
{
	struct json *json = &derivation->json;
	bool complete = false;
	struct text key;

	if (!json_object(json))
		return false;
	while (!complete && json_member(json, &key)) {
		if (text_eq(key, TEXT("system")) || text_eq(key, TEXT("instructions")) ||
		    text_eq(key, TEXT("systemInstruction")) ||
		    text_eq(key, TEXT("system_instruction")))
			read_system(derivation);
		else if (text_eq(key, TEXT("messages")) || text_eq(key, TEXT("input")))
			complete = read_messages(derivation, NOBODY);
		else if (text_eq(key, TEXT("contents")))
			complete = read_messages(derivation, USER); /* Gemini's role may be missing */
		else
			json_skip(json, NULL);
	}
	return complete;
}

bool conversation_derive(struct text body, const uint8_t key[SIPHASH_KEY_BYTES], struct buf *ret_id)
{
	struct derivation derivation = { .key = key };
	bool is_cut = body.len > BODY_BYTES_MAX;
	uint8_t digest[SIPHASH_BYTES];

	if (is_cut)
		body.len = BODY_BYTES_MAX;
	json_init_lenient(&derivation.json, body);
	siphash_init(&derivation.beginning, key);
	if (!read_body(&derivation) || (derivation.json.error && !is_cut))
		return false;
	siphash_end(&derivation.beginning, digest);
	uuid8_make(digest);
	uuid_format(ret_id, digest);
	return true;
}
