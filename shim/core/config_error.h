/* SPDX-License-Identifier: MIT */
/* What is wrong in a configuration or a preset, and where. Told to whoever reads it; the words are
 * made for people by the commands, so the shim holds none but the reasons. */
#ifndef TAGALONG_CORE_CONFIG_ERROR_H
#define TAGALONG_CORE_CONFIG_ERROR_H

#include <stddef.h>

#include "lib/text.h"
#include "lib/json.h"

struct fault {
	size_t offset; /* bytes from the start of the text */
	const char *reason; /* static: "the name is not fit for a header" */
	struct text word; /* what it is about; may be empty */
	const char *known; /* the words that would do, separated by blanks; or NULL */
};

/* Called for each fault. The texts are valid only during the call. */
typedef void fault_teller(void *arg, const struct fault *fault);

struct faults {
	fault_teller *tell; /* may be NULL */
	void *arg;
	size_t count;
};

void fault_tell(struct faults *faults, size_t offset, const char *reason, struct text word,
		const char *known);

/* Where a string that was read from the document begins, its quote included. */
size_t fault_place(const struct json *json, struct text string);

/* The line and the column, both from 1, of a place in the text; the column counts bytes. */
void fault_line(struct text source, size_t offset, size_t *ret_line, size_t *ret_column);

/* The known word that is most like this one, or an empty text when none is near. */
struct text fault_nearest(struct text word, const char *known);

#endif
