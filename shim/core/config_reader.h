/* SPDX-License-Identifier: MIT */
/* Reading JSON that people write, configurations and presets: one value after the other, with a
 * report for each that is wrong. Reading goes on after a report, unless the JSON itself is broken.
 * The words around a reason are made by the commands, so the shim contains only the reasons. */
#pragma once

#include <stddef.h>

#include "lib/json.h"
#include "lib/text.h"

struct config_error {
	size_t offset; /* bytes from the start of the text */
	const char *reason; /* static: "the name is not fit for a header" */
	struct text word; /* what it is about; may be empty */
	const char *choices; /* the words that would do, separated by blanks; or NULL */
};

struct config_errors {
	/* Called for each error; its texts are valid only during the call. May be NULL. */
	void (*report)(void *arg, const struct config_error *error);
	void *arg;
	size_t count;
};

struct config_reader {
	struct json json;
	struct config_errors *errors;
};

void config_report(struct config_reader *reader, size_t offset, const char *reason,
		   struct text word, const char *choices);

/* The same of a string that was read from the document, and is the word. */
void config_report_word(struct config_reader *reader, const char *reason, struct text word,
			const char *choices);

/* Where a string that was read from the document begins, its quote included. */
size_t config_offset_of(const struct config_reader *reader, struct text string);
/* Where the next value begins. */
size_t config_offset(struct config_reader *reader);

/* Enters the value of `key`, or reads it. False when it is of another type, which is reported, or
 * when the JSON is broken. */
bool config_object(struct config_reader *reader, struct text key);
bool config_array(struct config_reader *reader, struct text key);
bool config_string(struct config_reader *reader, struct text key, struct text *ret_text);
bool config_boolean(struct config_reader *reader, struct text key, bool *ret_boolean);
/* 1 to max; 0 for anything else. */
uint32_t config_number(struct config_reader *reader, struct text key, uint32_t max);
/* The next string of a list; other elements are reported. False at its end. */
bool config_next_string(struct config_reader *reader, struct text key, struct text *ret_text);

/* "$comment" and "$schema" may stand wherever the keys are fixed: true when this was one. */
bool config_is_comment(struct config_reader *reader, struct text key);
/* Skips the value of a key that has no meaning, and reports the key. */
void config_unknown_key(struct config_reader *reader, struct text key, const char *choices);
/* Stores where a key stands, and reports one that was there before. */
void config_note_key(struct config_reader *reader, size_t *offset, struct text key);

/* The line and the column, both from 1, of an offset in the text; the column counts bytes. */
void config_line_of(struct text source, size_t offset, size_t *ret_line, size_t *ret_column);
/* The choice that is most like this word, or an empty text when none is near. */
struct text config_nearest(struct text word, const char *choices);
