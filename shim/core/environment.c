// SPDX-License-Identifier: MIT
/* Context from environment variables. */
#include "core/environment.h"

#include "core/variables.h"

struct adopted_row {
	enum field field;
	unsigned char variable_len;
	char variable[28];
};

static const struct adopted_row rows[] = {
#define ADOPT(field, variable, setter)                                                             \
	{ FIELD_##field, sizeof(#variable) - 1, #variable },
#include "core/adopted.def"
#undef ADOPT
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct scan {
	struct context *context;
	const char *adopted[ROWS];
};

/* Whether any row's name starts like this: what most variables are out by. */
static bool is_candidate(const char *variable)
{
	switch (variable[0]) {
	case 'T': /* TAGALONG_*, TRACEPARENT, TRACESTATE */
	case 'B': /* BAGGAGE */
	case 'C': /* CLAUDE_*, CODEX_* */
	case 'G': /* GEMINI_* */
	case 'K': /* KILOCODE_* */
	case 'O': /* OPENROUTER_* */
		return true;
	default:
		return false;
	}
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
		context_offer(scan->context, field, text_of(value), ORIGIN_ENVIRONMENT,
			      field_variable(field));
		return;
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (!scan->adopted[i] &&
		    text_eq(name, (struct text){ rows[i].variable, rows[i].variable_len }))
			scan->adopted[i] = value;
	}
}

void environment_offer(struct context *context)
{
	struct scan scan = { .context = context };

	/* Once over the environment, not once for each of two dozen names. */
	variables_scan(on_variable, &scan);
	for (size_t i = 0; i < ROWS; i++)
		context_offer(context, rows[i].field, text_of(scan.adopted[i]), ORIGIN_ADOPTED,
			      rows[i].variable);
}
