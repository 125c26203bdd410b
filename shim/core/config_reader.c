// SPDX-License-Identifier: MIT
/* Reading one value after the other, and telling of those that are something else. */
#include "core/config_reader.h"

const char field_words[] =
#define FIELD(constant, name, variable, what) #name " "
#include "core/fields.def"
#undef FIELD
	;

void reader_tell(struct reader *reader, size_t place, const char *reason, struct text word,
		 const char *known)
{
	fault_tell(reader->faults, place, reason, word, known);
}

size_t reader_place(struct reader *reader)
{
	json_peek(&reader->json);
	return json_where(&reader->json);
}

bool reader_next_is(struct reader *reader, enum json_type type, const char *reason, struct text key)
{
	size_t place = reader_place(reader);

	if (json_peek(&reader->json) == type)
		return true;
	if (json_skip(&reader->json, NULL))
		reader_tell(reader, place, reason, key, NULL);
	return false;
}

bool reader_object(struct reader *reader, struct text key)
{
	return reader_next_is(reader, JSON_OBJECT, "an object is wanted here", key) &&
	       json_object(&reader->json);
}

bool reader_array(struct reader *reader, struct text key)
{
	return reader_next_is(reader, JSON_ARRAY, "a list is wanted here", key) &&
	       json_array(&reader->json);
}

bool reader_string(struct reader *reader, struct text key, struct text *ret_text)
{
	return reader_next_is(reader, JSON_STRING, "a text is wanted here", key) &&
	       json_string(&reader->json, ret_text);
}

uint32_t reader_number(struct reader *reader, uint32_t max, struct text key)
{
	size_t place = reader_place(reader);
	uint64_t number = 0;

	if (!reader_next_is(reader, JSON_NUMBER, "a number is wanted here", key) ||
	    !json_number(&reader->json, UINT32_MAX, &number))
		return 0;
	if (!number || number > max) {
		reader_tell(reader, place, "the number is out of range", key, NULL);
		return 0;
	}
	return (uint32_t)number;
}

bool reader_next_string(struct reader *reader, struct text key, struct text *ret_text)
{
	while (json_element(&reader->json)) {
		if (reader_string(reader, key, ret_text))
			return true;
	}
	return false;
}

bool reader_remark(struct reader *reader, struct text key)
{
	return (text_eq(key, TEXT("$comment")) || text_eq(key, TEXT("$schema"))) &&
	       json_skip(&reader->json, NULL);
}

void reader_unknown_key(struct reader *reader, struct text key, const char *known)
{
	size_t place = fault_place(&reader->json, key);

	if (json_skip(&reader->json, NULL))
		reader_tell(reader, place, "there is no such key", key, known);
}

void reader_note_key(struct reader *reader, size_t *where, struct text key)
{
	size_t place = fault_place(&reader->json, key);

	if (*where)
		reader_tell(reader, place, "it is there twice", key, NULL);
	*where = place;
}
