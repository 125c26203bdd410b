// SPDX-License-Identifier: MIT
/* Context from environment variables. */
#include "sources/environment.h"

#include "base/variables.h"

struct adopted_row {
	enum field field;
	char variable[28];
	char setter[48];
};

static const struct adopted_row rows[] = {
#define ADOPT(field, variable, setter) { FIELD_##field, #variable, setter },
#include "sources/adopted.def"
#undef ADOPT
};

static void offer(struct context *context, enum field field, const char *variable,
		  enum origin origin)
{
	context_offer(context, field, text_of(variable_get_named(variable)), origin, variable);
}

void environment_offer(struct context *context)
{
	for (enum field field = 0; field < FIELD_COUNT; field++)
		offer(context, field, field_variable(field), ORIGIN_ENVIRONMENT);
}

void adopted_offer(struct context *context)
{
	for (size_t i = 0; i < adopted_count(); i++)
		offer(context, rows[i].field, rows[i].variable, ORIGIN_ADOPTED);
}

size_t adopted_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

struct adopted adopted_at(size_t index)
{
	return (struct adopted){ rows[index].field, rows[index].variable, rows[index].setter };
}
