// SPDX-License-Identifier: MIT
/* Setting an agent's session in the context service, within a deadline. */
#include "cli/publish.h"

#include <string.h>

#include "core/variables.h"
#include "cli/ask.h"

static void fill(struct wire_request *request, const char *const values[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		struct text value = text_of(values[field]);

		if (value.len && !wire_value_error(field, value))
			request->value[field] = value;
	}
}

/* One question and its answer. *ret_scope (may be NULL) gets the scope's name. */
static bool converse(struct ask *ask, const struct wire_request *request,
		     char ret_scope[WIRE_NAME_BYTES_MAX + 1])
{
	struct wire_reply reply;

	if (!ask_exchange(ask, request, SERVICE_TIMEOUT_MS, &reply) ||
	    reply.scope.len > WIRE_NAME_BYTES_MAX)
		return false;
	if (ret_scope) {
		memcpy(ret_scope, reply.scope.ptr, reply.scope.len);
		ret_scope[reply.scope.len] = '\0';
	}
	return true;
}

bool publish(struct publisher *publisher, pid_t pid, const char *const values[FIELD_COUNT])
{
	struct wire_request request = { .op = WIRE_OPEN, .target = WIRE_PROCESS, .pid = pid };
	struct ask ask = { .is_quiet = true };
	bool done;

	if (publisher->scope[0]) {
		request.op = WIRE_SET;
		request.target = WIRE_NAMED;
		request.scope = text_of(publisher->scope);
	}
	fill(&request, values);
	if (!ask_connect(&ask))
		return false;
	done = converse(&ask, &request, publisher->scope);
	ask_close(&ask);
	/* The scope may be gone with a service that forgot it: the next call opens another. */
	if (!done)
		publisher->scope[0] = '\0';
	return done;
}

bool publish_own(const char *const values[FIELD_COUNT])
{
	struct text token = text_of(variable_get(VARIABLE_SCOPE));
	struct wire_request get = { .op = WIRE_GET, .target = WIRE_OWN, .scope = token };
	struct wire_request set = { .op = WIRE_SET, .target = WIRE_OWN, .scope = token };
	char scope[WIRE_NAME_BYTES_MAX + 1];
	struct ask ask = { .is_quiet = true };
	bool done;

	fill(&set, values);
	if (!ask_connect(&ask))
		return false;
	done = converse(&ask, &get, scope) && strcmp(scope, "default") != 0 &&
	       converse(&ask, &set, NULL);
	ask_close(&ask);
	return done;
}
