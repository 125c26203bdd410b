// SPDX-License-Identifier: MIT
/* Where a placeholder's value comes from. */
#include "core/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/variables.h"
#include "lib/random.h"
#include "core/computed.def"
#include "core/conversation.h"
#include "lib/json.h"
#include "core/trace.h"
#include "core/environment.h"
#include "core/project.h"
#include "core/secret.h"
#include "lib/system.h"

#define ENV_PREFIX "env:"
#define BODY_PREFIX "body:"
#define HEADER_PREFIX "header:"

_Static_assert(SECRET_BYTES == SIPHASH_KEY_BYTES, "the key is for the hash");

static unsigned timeout_ms(const struct config *config)
{
	unsigned long number;

	if (text_number(text_of(variable_get(VARIABLE_TIMEOUT_MS)), SERVICE_TIMEOUT_MS_MAX,
			&number) &&
	    number)
		return (unsigned)number;
	return config && config->timeout_ms ? config->timeout_ms : SERVICE_TIMEOUT_MS;
}

/* The variables that the configuration adopts; they go before those that are built in. */
static void adopt(struct context *context, const struct config *config, struct buf *copies)
{
	for (size_t i = config ? config->adopted_count : 0; i > 0; i--) {
		const struct config_adopted *adopted = &config->adopted[i - 1];
		struct text value = environment_copy(copies, variable_get_named(adopted->variable));

		/* From the last to the first, each over the one before. */
		if (value.len && context->origin[adopted->field] == ORIGIN_ADOPTED)
			context->origin[adopted->field] = ORIGIN_NONE;
		context_offer(context, adopted->field, value, ORIGIN_ADOPTED, adopted->variable);
	}
}

/* The service's values. A variable of the W3C trio that still is what the scope was opened with was
 * inherited, not set nearer, so the service's current value wins over it. */
static void service_offer(struct context *context, const struct wire_reply *reply)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		struct text inherited = reply->opened_with[field];

		if (inherited.len && reply->value[field].len &&
		    text_eq(context->value[field], inherited))
			context->origin[field] = ORIGIN_NONE;
		context_offer(context, field, reply->value[field], ORIGIN_SERVICE,
			      "context service");
	}
}

static void ask_service(struct values *values, const struct config *config)
{
	const struct tag_observer *observer = values->observer;
	unsigned wait_ms;

	values->answer = NULL;
	wait_ms = timeout_ms(config);
	if (values->request->max_wait_ms && wait_ms > values->request->max_wait_ms)
		wait_ms = values->request->max_wait_ms;
	values->service = client_ask(text_of(variable_get(VARIABLE_SCOPE)), wait_ms,
				     &values->answer);
	if (observer && observer->note)
		observer->note(observer->arg, TAG_NOTE_SERVICE, client_reason(values->service));
}

void values_collect(const struct tag_request *request, const struct config *config,
		    const struct config_rule *rule, enum derives derives, struct values *ret_values)
{
	struct buf buf;

	context_init(&ret_values->context);
	ret_values->observer = request->observer;
	ret_values->request = request;
	ret_values->derives = derives;
	/* The service first: nothing of the environment is held while it is waited for. */
	ask_service(ret_values, config);
	buf_init(&ret_values->copies, ret_values->copies_memory, sizeof(ret_values->copies_memory));
	environment_offer(&ret_values->context, &ret_values->copies);
	adopt(&ret_values->context, config, &ret_values->copies);
	if (ret_values->answer)
		service_offer(&ret_values->context, &ret_values->answer->reply);
	ret_values->trace_ready = ret_values->signals_ready = ret_values->no_random = false;
	ret_values->asked_project = ret_values->read_body = ret_values->unplanned = false;
	ret_values->traceparent = ret_values->tracestate = (struct text){ NULL, 0 };
	buf_init(&buf, ret_values->request_id, sizeof(ret_values->request_id));
	uuid_format(&buf, request->request_id);
}

void values_release(struct values *values)
{
	free(values->answer);
	values->answer = NULL;
}

/* A new span of the context's trace, or of one that starts in this process. */
static bool make_trace(const struct context *context, struct trace *ret_trace, bool *ret_continued)
{
	*ret_continued = !trace_parse(context->value[FIELD_TRACEPARENT], ret_trace);
	if (!*ret_continued) {
		if (trace_id_of_process(ret_trace->trace_id))
			return false;
		ret_trace->flags = TRACE_FLAG_RANDOM;
	}
	if (random_fill(ret_trace->parent_id, sizeof(ret_trace->parent_id)))
		return false;
	/* All zero is no valid parent-id; one chance in 2^64 is not worth a loop. */
	ret_trace->parent_id[0] |= !ret_trace->parent_id[0];
	return true;
}

static void prepare_trace(struct values *values)
{
	uint8_t again[TRACE_ID_BYTES];
	struct trace trace;
	struct buf buf;
	bool continued;

	values->trace_ready = true;
	values->no_random = !make_trace(&values->context, &trace, &continued);
	if (values->no_random)
		return;
	buf_init(&buf, values->traceparent_memory, sizeof(values->traceparent_memory));
	trace_format(&buf, &trace);
	values->traceparent = (struct text){ buf.data, buf.len };
	/* A tracestate belongs to its traceparent: without a valid one it is discarded
	 * (Trace Context, section 3.3). */
	if (!continued) {
		/* Not the same each time while another thread stores it. */
		values->unplanned |= trace_id_of_process(again) ||
				     memcmp(again, trace.trace_id, sizeof(again));
		return;
	}
	buf_init(&buf, values->tracestate_memory, sizeof(values->tracestate_memory));
	if (!tracestate_add(&buf, values->context.value[FIELD_TRACESTATE], VALUE_BYTES_MAX))
		values->tracestate = (struct text){ buf.data, buf.len };
}

static void prepare_project(struct values *values)
{
	const struct tag_observer *observer = values->observer;
	struct buf id;
	int result;

	if (values->context.origin[FIELD_PROJECT_ID] != ORIGIN_NONE)
		return;
	values->asked_project = true;
	buf_init(&id, values->project_id, sizeof(values->project_id));
	result = project_of_process(&id);
	if (!result)
		context_offer(&values->context, FIELD_PROJECT_ID, (struct text){ id.data, id.len },
			      ORIGIN_DERIVED, "git origin");
	else if (observer && observer->note && project_error_text(result))
		observer->note(observer->arg, TAG_NOTE_PROJECT, project_error_text(result));
}

static struct text body_of(const struct tag_request *request)
{
	return request->body ? request->body(request->body_arg) : TEXT("");
}

/* What the client itself says in its headers. */
static void prepare_signals(struct values *values)
{
	const struct tag_request *request = values->request;

	if (!values->signals_ready && request->next_header)
		header_signals_offer(&values->context, request->next_header, request->arg);
	values->signals_ready = true;
}

struct text values_place(const char **ret_detail)
{
	struct text place = text_of(variable_get(VARIABLE_RUN));

	*ret_detail = "launcher";
	if (place.len)
		return place;
	*ret_detail = "scope";
	return text_of(variable_get(VARIABLE_SCOPE));
}

/* The last resort: the id of the place, else of this process. */
static void id_of_place(struct values *values, const uint8_t *key, struct buf *id)
{
	static const uint8_t no_key[SIPHASH_KEY_BYTES];
	uint8_t process[16];
	const char *detail;
	struct text place = values_place(&detail);

	if (!key || !place.len) {
		key = no_key;
		detail = "process";
		if (trace_id_of_process(process))
			return;
		place = (struct text){ (const char *)process, sizeof(process) };
	}
	conversation_id_add(id, key, 0, place);
	context_offer(&values->context, FIELD_CONVERSATION_ID, buf_since(id, 0), ORIGIN_DERIVED,
		      detail);
}

static const char *key_error(int result)
{
	switch (result) {
	case -EPERM:
		return "conversation.key in the state folder is not this user's alone";
	case -EBADMSG:
		return "conversation.key in the state folder is not a valid key";
	default:
		return "there is no conversation.key in the state folder, and none can be made";
	}
}

void body_id_read(const struct tag_request *request, struct body_id *ret_id, struct buf *ret_signal)
{
	conversation_read(body_of(request), &ret_id->conversation, ret_signal);
	ret_id->key_result = ret_id->conversation.signal ? 0 : secret_get(ret_id->key);
}

/* In the order of what is most exact: headers, body members, how the conversation began, the
 * place. */
static void prepare_conversation(struct values *values)
{
	const struct tag_observer *observer = values->observer;
	struct context *context = &values->context;
	const char *error = NULL, *detail;
	struct body_id body;
	struct buf id;
	bool has_ids;

	if (context->origin[FIELD_CONVERSATION_ID] == ORIGIN_NONE)
		prepare_signals(values);
	has_ids = context->value[FIELD_SESSION_ID].len || context->value[FIELD_TASK_ID].len;
	if (values->derives == DERIVES_WITHOUT_IDS && has_ids)
		return;
	if (!values->derives || context->origin[FIELD_CONVERSATION_ID] != ORIGIN_NONE)
		return;
	values->derives = DERIVES_NOT;
	values->read_body = true;
	buf_init(&id, values->conversation_id, sizeof(values->conversation_id));
	body_id_read(values->request, &body, &id);
	if (body.conversation.signal) {
		context_offer(context, FIELD_CONVERSATION_ID, buf_since(&id, 0), ORIGIN_SIGNAL,
			      body.conversation.signal);
		return;
	}
	if (body.key_result)
		error = key_error(body.key_result);
	else if (!body_of(values->request).len)
		error = "the request's body is not known";
	else if (!body.conversation.has_words)
		error = "the request's body has no message of the user's";
	if (!error) {
		conversation_id_add(&id, body.key, body.conversation.words, values_place(&detail));
		context_offer(context, FIELD_CONVERSATION_ID, buf_since(&id, 0), ORIGIN_DERIVED,
			      "request body");
		return;
	}
	values->unplanned = true;
	if (observer && observer->note)
		observer->note(observer->arg, TAG_NOTE_BODY, error);
	if (!has_ids)
		id_of_place(values, body.key_result ? NULL : body.key, &id);
}

static bool found(const struct values *values, struct text name, struct text value,
		  const char *origin, const char *detail, struct text *ret_value)
{
	if (!value.len)
		return false;
	if (values->observer && values->observer->source)
		values->observer->source(values->observer->arg, name, origin, detail);
	*ret_value = value;
	return true;
}

/* The field's value; what costs something is found out now. */
static struct text value_of(struct values *values, enum field field)
{
	bool is_trace = field == FIELD_TRACEPARENT || field == FIELD_TRACESTATE;

	if (field == FIELD_PROJECT_ID)
		prepare_project(values);
	if (field == FIELD_CONVERSATION_ID)
		prepare_conversation(values);
	if (field == FIELD_SESSION_ID && values->context.origin[field] == ORIGIN_NONE)
		prepare_signals(values);
	if (is_trace && !values->trace_ready)
		prepare_trace(values);
	if (is_trace)
		return field == FIELD_TRACEPARENT ? values->traceparent : values->tracestate;
	return values->context.value[field];
}

static bool lookup_field(struct values *values, enum field field, struct text name,
			 struct text *ret_value)
{
	const struct context *context = &values->context;
	struct text value = value_of(values, field);

	if (field == FIELD_TRACEPARENT && context->origin[field] == ORIGIN_NONE)
		return found(values, name, value, "generated", "new trace of this process",
			     ret_value);
	return found(values, name, value, origin_name(context->origin[field]),
		     context->detail[field], ret_value);
}

bool values_has(struct values *values, enum field field)
{
	return value_of(values, field).len > 0;
}

/* The value of {body:/pointer}. */
static struct text body_value(struct values *values, struct text pointer)
{
	struct text body = body_of(values->request);
	struct buf buf;

	buf_init(&buf, values->body_value, sizeof(values->body_value));
	if (body.len > BODY_BYTES_MAX)
		body.len = BODY_BYTES_MAX;
	if (!body.len || !json_pointer(body, pointer, &buf))
		return (struct text){ NULL, 0 };
	return buf_since(&buf, 0);
}

/* The value of {header:NAME}: the first that the client sends under that name. */
static struct text client_header(const struct values *values, struct text wanted)
{
	const struct tag_request *request = values->request;
	const void *cursor = NULL;
	struct text name, value;

	while (request->next_header &&
	       (cursor = request->next_header(request->arg, cursor, UINT64_MAX, &name, &value))) {
		if (text_eq_nocase(name, wanted))
			return text_trim(value);
	}
	return (struct text){ NULL, 0 };
}

static struct text environment_value(struct text name)
{
	char variable[NAME_BYTES_MAX + 1];

	if (!name.len || name.len >= sizeof(variable))
		return (struct text){ NULL, 0 };
	memcpy(variable, name.ptr, name.len);
	variable[name.len] = '\0';
	return text_of(variable_get_named(variable));
}

static struct text number_text(struct values *values, uint64_t number)
{
	struct buf buf;

	buf_init(&buf, values->number, sizeof(values->number));
	buf_number(&buf, number);
	return buf_since(&buf, 0);
}

static struct text host_text(struct values *values)
{
	return syscall(SYS_uname, &values->system) ? TEXT("") : text_of(values->system.nodename);
}

bool values_lookup(void *arg, struct text name, struct text *ret_value)
{
	struct values *values = arg;
	enum field field = field_by_name(name);
	struct text value = { NULL, 0 };
	const char *origin = "computed", *detail = "";

	if (field < FIELD_COUNT)
		return lookup_field(values, field, name, ret_value);
	values->unplanned |= !text_eq(name, TEXT("request_id"));
	if (text_starts_with(name, TEXT(ENV_PREFIX))) {
		value = environment_value(text_from(name, TEXT(ENV_PREFIX).len));
		origin = "environment";
	} else if (text_starts_with(name, TEXT(BODY_PREFIX))) {
		value = body_value(values, text_from(name, TEXT(BODY_PREFIX).len));
		origin = "request body";
	} else if (text_starts_with(name, TEXT(HEADER_PREFIX))) {
		value = client_header(values, text_from(name, TEXT(HEADER_PREFIX).len));
		origin = "client";
	}
#define COMPUTED_VALUE(word, what, expression) \
	else if (text_eq(name, TEXT(#word))) \
	{ \
		value = expression; \
		detail = what; \
	}
	COMPUTED(COMPUTED_VALUE)
	return found(values, name, value, origin, detail, ret_value);
}
