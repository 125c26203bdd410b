// SPDX-License-Identifier: MIT
/* Given context, put into the environment for one question. */
#include "cli/overrides.h"

#include <stdlib.h>
#include <string.h>

#include "cli/request_arg.h"
#include "core/config.h"
#include "core/request.h"

static bool put(struct given_saved *saved, enum field field, const char *value)
{
	const char *before = getenv(field_variable(field));

	if (before && !saved->put[field]) {
		saved->before[field] = strdup(before);
		if (!saved->before[field])
			return false;
	}
	saved->put[field] = true;
	return !setenv(field_variable(field), value, 1);
}

/* Whether a source that is asked at once (all but git) sets the field. */
static bool find_set(bool ret_set[FIELD_COUNT])
{
	const struct config_snapshot *snapshot;
	struct tag_request request;
	struct values values;

	if (!request_init(&request, "POST", ""))
		return false;
	snapshot = config_get(true);
	values_collect(&request, snapshot->config, NULL, DERIVES_NOT, &values);
	for (enum field field = 0; field < FIELD_COUNT; field++)
		ret_set[field] = values.context.origin[field] != ORIGIN_NONE;
	values_release(&values);
	config_put(snapshot);
	return true;
}

static bool put_fallback(const struct given *given, struct given_saved *saved)
{
	bool set[FIELD_COUNT], any = false;

	for (enum field field = 0; field < FIELD_COUNT; field++)
		any = any || given->fallback[field];
	if (!any)
		return true;
	if (!find_set(set))
		return false;
	set[FIELD_PARENT_TASK_ID] |= set[FIELD_TASK_ID] && given->fallback[FIELD_TASK_ID];
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (given->fallback[field] && !set[field] &&
		    !put(saved, field, given->fallback[field]))
			return false;
	}
	return true;
}

bool given_put(const struct given *given, struct given_saved *ret_saved)
{
	*ret_saved = (struct given_saved){ 0 };
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (given->context[field] && !put(ret_saved, field, given->context[field]))
			return false;
	}
	return put_fallback(given, ret_saved);
}

void given_restore(struct given_saved *saved)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!saved->put[field])
			continue;
		if (saved->before[field])
			setenv(field_variable(field), saved->before[field], 1);
		else
			unsetenv(field_variable(field));
		free(saved->before[field]);
	}
}
