// SPDX-License-Identifier: MIT
/* Context from environment variables. */
#include "core/environment.h"

#include <stdint.h>

#include "core/variables.h"

struct adopted_row {
	enum field field;
	unsigned char variable_len;
	char variable[28];
};

static const struct adopted_row rows[] = {
#define ROW(field, variable, setter) { FIELD_##field, sizeof(#variable) - 1, #variable },
	ADOPTED(ROW)
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct scan {
	struct context *context;
	struct buf *copies;
	struct text adopted[ROWS];
};

/* Cheap pre-filter by the first letter: most variables fail it. */
static bool is_candidate(const char *variable)
{
#define FIELD_LETTER(constant, name, variable, ...) | 1u << ((#variable)[0] - 'A')
#define ADOPTED_LETTER(field, variable, setter) | 1u << ((#variable)[0] - 'A')
	const uint32_t letters = 0 FIELDS(FIELD_LETTER) ADOPTED(ADOPTED_LETTER);

	return variable[0] >= 'A' && variable[0] <= 'Z' && (letters >> (variable[0] - 'A') & 1);
}

static void on_variable(void *arg, const char *variable)
{
	struct scan *scan = arg;
	const char *value;
	struct text name;
	enum field field;

	if (!is_candidate(variable) || !variable_split(variable, &name, &value) || !value[0])
		return;
	field = field_by_variable(name);
	if (field < FIELD_COUNT) {
		context_offer(scan->context, field, environment_copy(scan->copies, value),
			      ORIGIN_ENVIRONMENT, field_variable(field));
		return;
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (!scan->adopted[i].len &&
		    text_eq(name, (struct text){ rows[i].variable, rows[i].variable_len }))
			scan->adopted[i] = environment_copy(scan->copies, value);
	}
}

struct text environment_copy(struct buf *copies, const char *value)
{
	size_t start = copies->len;

	if (value)
		buf_add(copies, text_of(value));
	if (copies->full)
		buf_cut(copies, start);
	return buf_since(copies, start);
}

void environment_offer(struct context *context, struct buf *copies)
{
	struct scan scan = { .context = context, .copies = copies };

	/* Once over the environment, not once for each of two dozen names. */
	variables_scan(on_variable, &scan);
	for (size_t i = 0; i < ROWS; i++)
		context_offer(context, rows[i].field, scan.adopted[i], ORIGIN_ADOPTED,
			      rows[i].variable);
}
