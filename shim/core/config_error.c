// SPDX-License-Identifier: MIT
/* Faults: counting and telling them, and what a person needs to mend them. */
#include "core/config_error.h"

#include <stdint.h>

/* A misspelt word is looked up among words of this length at the most; the longest key has 15. */
#define WORD_BYTES_MAX 32

void fault_tell(struct faults *faults, size_t offset, const char *reason, struct text word,
		const char *known)
{
	struct fault fault = { offset, reason, word, known };

	faults->count++;
	if (faults->tell)
		faults->tell(faults->arg, &fault);
}

size_t fault_place(const struct json *json, struct text string)
{
	return (size_t)(string.ptr - json->start) - 1;
}

void fault_line(struct text source, size_t offset, size_t *ret_line, size_t *ret_column)
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

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
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

			diagonal = row[i + 1];
			row[i + 1] = smaller(changed, smaller(row[i], row[i + 1]) + 1);
		}
	}
	return row[a.len];
}

struct text fault_nearest(struct text word, const char *known)
{
	struct text rest = text_of(known), candidate, nearest = { NULL, 0 };
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
