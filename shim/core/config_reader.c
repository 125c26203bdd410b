// SPDX-License-Identifier: MIT
/* Reading one value after the other, and reporting those that are something else. */
#include "core/config_reader.h"

#include <stdint.h>

/* A misspelt word is looked up among words of this length at the most; the longest key has 15. */
#define WORD_BYTES_MAX 32

void config_report(struct config_reader *reader, size_t offset, const char *reason,
		   struct text word, const char *choices)
{
	struct config_error error = { offset, reason, word, choices };
	struct config_errors *errors = reader->errors;

	errors->count++;
	if (errors->report)
		errors->report(errors->arg, &error);
}

void config_report_word(struct config_reader *reader, const char *reason, struct text word,
			const char *choices)
{
	config_report(reader, config_offset_of(reader, word), reason, word, choices);
}

size_t config_offset_of(const struct config_reader *reader, struct text string)
{
	return (size_t)(string.ptr - reader->json.start) - 1;
}

size_t config_offset(struct config_reader *reader)
{
	json_peek(&reader->json);
	return json_where(&reader->json);
}

/* Whether the next value is of this type; else it is skipped and reported. */
static bool next_is(struct config_reader *reader, enum json_type type, const char *reason,
		    struct text key)
{
	size_t offset = config_offset(reader);

	if (json_peek(&reader->json) == type)
		return true;
	if (json_skip(&reader->json, NULL))
		config_report(reader, offset, reason, key, NULL);
	return false;
}

bool config_object(struct config_reader *reader, struct text key)
{
	return next_is(reader, JSON_OBJECT, "expected an object", key) &&
	       json_object(&reader->json);
}

bool config_array(struct config_reader *reader, struct text key)
{
	return next_is(reader, JSON_ARRAY, "expected an array", key) && json_array(&reader->json);
}

bool config_string(struct config_reader *reader, struct text key, struct text *ret_text)
{
	return next_is(reader, JSON_STRING, "expected a string", key) &&
	       json_string(&reader->json, ret_text);
}

bool config_boolean(struct config_reader *reader, struct text key, bool *ret_boolean)
{
	return next_is(reader, JSON_BOOLEAN, "expected true or false", key) &&
	       json_boolean(&reader->json, ret_boolean);
}

uint32_t config_number(struct config_reader *reader, struct text key, uint32_t max)
{
	size_t offset = config_offset(reader);
	uint64_t number = 0;

	if (!next_is(reader, JSON_NUMBER, "expected a number", key) ||
	    !json_number(&reader->json, UINT32_MAX, &number))
		return 0;
	if (number && number <= max)
		return (uint32_t)number;
	config_report(reader, offset, "the number is out of range", key, NULL);
	return 0;
}

bool config_next_string(struct config_reader *reader, struct text key, struct text *ret_text)
{
	while (json_element(&reader->json)) {
		if (config_string(reader, key, ret_text))
			return true;
	}
	return false;
}

bool config_is_comment(struct config_reader *reader, struct text key)
{
	return (text_eq(key, TEXT("$comment")) || text_eq(key, TEXT("$schema"))) &&
	       json_skip(&reader->json, NULL);
}

void config_unknown_key(struct config_reader *reader, struct text key, const char *choices)
{
	size_t offset = config_offset_of(reader, key);

	if (json_skip(&reader->json, NULL))
		config_report(reader, offset, "unknown key", key, choices);
}

void config_note_key(struct config_reader *reader, size_t *offset, struct text key)
{
	size_t here = config_offset_of(reader, key);

	if (*offset)
		config_report(reader, here, "duplicate", key, NULL);
	*offset = here;
}

void config_line_of(struct text source, size_t offset, size_t *ret_line, size_t *ret_column)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < offset && i < source.len; i++) {
		if (source.ptr[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	*ret_line = line;
	*ret_column = offset - start + 1;
}

/* How many letters have to be put in, taken out or changed (Levenshtein). */
static unsigned distance(struct text a, struct text b)
{
	unsigned row[WORD_BYTES_MAX + 1];

	for (size_t i = 0; i <= a.len; i++)
		row[i] = (unsigned)i;
	for (size_t j = 0; j < b.len; j++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)j + 1;
		for (size_t i = 0; i < a.len; i++) {
			bool same = ascii_lower(a.ptr[i]) == ascii_lower(b.ptr[j]);
			unsigned changed = diagonal + !same;

			unsigned least = row[i] < row[i + 1] ? row[i] + 1 : row[i + 1] + 1;

			diagonal = row[i + 1];
			row[i + 1] = changed < least ? changed : least;
		}
	}
	return row[a.len];
}

struct text config_nearest(struct text word, const char *choices)
{
	struct text rest = text_of(choices), candidate, nearest = { NULL, 0 };
	unsigned least = 4; /* further away it is another word */

	if (!word.len || word.len > WORD_BYTES_MAX)
		return nearest;
	while (text_next(&rest, ' ', &candidate)) {
		unsigned far = candidate.len > WORD_BYTES_MAX ? least : distance(word, candidate);

		/* The beginning of a word is nearer than a misspelt one. */
		if (word.len > 2 && text_starts_with(candidate, word))
			far = 1;
		/* Of a short word, half the letters have to be right. */
		if (far < least && far * 2 <= candidate.len) {
			least = far;
			nearest = candidate;
		}
	}
	return nearest;
}
