/* SPDX-License-Identifier: MIT */
/* Whether cJSON read the same as our reader does: held against each other by a unit suite and by a
 * fuzzer. Where cJSON cannot follow, the document has to be left out: the escape of NUL, which ends
 * its strings, and numbers of JSON_NUMBER_MAX characters and more, of which it reads a part. */
#ifndef JSON_SAME_H
#define JSON_SAME_H

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "lib/json.h"

#define JSON_NUMBER_MAX 64

static bool json_same(struct json *json, const cJSON *other);

static bool same_object(struct json *json, const cJSON *other)
{
	const cJSON *child = other->child;
	struct text key;

	json_object(json);
	for (; json_member(json, &key); child = child->next) {
		if (!child || !text_eq(key, text_of(child->string)) || !json_same(json, child))
			return false;
	}
	return !child;
}

static bool same_array(struct json *json, const cJSON *other)
{
	const cJSON *child = other->child;

	for (json_array(json); json_element(json); child = child->next) {
		if (!child || !json_same(json, child))
			return false;
	}
	return !child;
}

static bool same_number(struct json *json, const cJSON *other)
{
	char number[JSON_NUMBER_MAX];
	struct text raw;

	if (!json_skip(json, &raw) || raw.len >= sizeof(number))
		return false;
	memcpy(number, raw.ptr, raw.len);
	number[raw.len] = '\0';
	return !(strtod(number, NULL) < other->valuedouble) &&
	       !(strtod(number, NULL) > other->valuedouble);
}

static bool json_same(struct json *json, const cJSON *other)
{
	struct text text;
	bool boolean;

	switch (json_peek(json)) {
	case JSON_OBJECT:
		return cJSON_IsObject(other) && same_object(json, other);
	case JSON_ARRAY:
		return cJSON_IsArray(other) && same_array(json, other);
	case JSON_STRING:
		return cJSON_IsString(other) && json_string(json, &text) &&
		       text_eq(text, text_of(other->valuestring));
	case JSON_NUMBER:
		return cJSON_IsNumber(other) && same_number(json, other);
	case JSON_BOOLEAN:
		return cJSON_IsBool(other) && json_boolean(json, &boolean) &&
		       boolean == cJSON_IsTrue(other);
	case JSON_NULL:
		return cJSON_IsNull(other) && json_skip(json, NULL);
	case JSON_NONE:
		break;
	}
	return false;
}

#endif
