/* SPDX-License-Identifier: MIT */
/* The placeholders of one request: context fields, and what is computed for it. */
#ifndef TAGALONG_CORE_REQUEST_VALUES_H
#define TAGALONG_CORE_REQUEST_VALUES_H

#include "lib/limits.h"
#include "protocol/client.h"
#include "core/config.h"
#include "core/context.h"
#include "lib/uuid.h"
#include "core/request.h"

#define TRACEPARENT_BYTES 55
#define UUID_TEXT_BYTES 36

struct values {
	struct context context;
	struct client_answer *answer; /* what context's values of the service point into; or NULL */
	const struct tag_observer *observer;
	const struct tag_request *request; /* for its body */
	bool derives; /* the conversation id may be derived from the body, and was not yet */
	bool trace_ready;
	bool no_random; /* a span was asked for, and the kernel had no bytes for its id */
	struct text traceparent, tracestate;
	char traceparent_memory[TRACEPARENT_BYTES + 1];
	char tracestate_memory[VALUE_BYTES_MAX + 1];
	char request_id[UUID_TEXT_BYTES + 1];
	char project_id[PROJECT_ID_BYTES_MAX + 1];
	char conversation_id[UUID_TEXT_BYTES + 1];
	char body_value[VALUE_BYTES_MAX + 1];
	char number[24];
	char host[256]; /* HOST_NAME_MAX is 64 on Linux, 255 in POSIX */
};

/* Collects what is current: the environment, and the context service's answer. config and rule may
 * be NULL. The texts are valid while the environment, the request's body and *ret_values are. To be
 * released. */
void values_collect(const struct tag_request *request, const struct config *config,
		    const struct config_rule *rule, struct values *ret_values);
void values_release(struct values *values);

/* Whether a field has a value. */
bool values_has(struct values *values, enum field field);

/* A template_lookup; arg is a struct values. Values that cost something (the project's name, the
 * trace, what is in the body) are found out at the first question. The value of a body's placeholder
 * is valid until the next one is looked up. */
bool values_lookup(void *arg, struct text name, struct text *ret_value);

#endif
