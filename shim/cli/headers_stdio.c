// SPDX-License-Identifier: MIT
/* tagalong headers --stdio: a helper beside a program that lives long, such as an agent with a
 * plugin. One question per line, one answer per line, in order. It is a child of that program, so
 * that the context service finds it in the program's own scope, and it ends with it.
 *
 * A question may bring context: the asking program knows its session better than the environment
 * that both were started in. It is put into our own environment, the source nearest to a request,
 * and taken out again after the answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agents/agents.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/headers.h"
#include "cli/ask.h"
#include "core/config.h"
#include "core/header.h"
#include "core/log.h"
#include "core/request_log.h"
#include "core/request.h"
#include "lib/fdio.h"
#include "protocol/protocol_limits.h"

struct helper {
	const char *agent; /* to be noted as seen; NULL when it was, or when there is none */
	int home_fd; /* the folder that we were started in */
	char scope[WIRE_NAME_BYTES_MAX + 1]; /* that was opened for it; empty before */
};

/* Context of one question. Texts are borrowed from it; NULL: not in it. */
struct overrides {
	const char *context[FIELD_COUNT]; /* wins over every other source */
	const char *fallback[FIELD_COUNT]; /* where no source but git has the field */
	char *before[FIELD_COUNT]; /* what the variables were */
	bool set[FIELD_COUNT]; /* the variable was changed */
};

static const char *string_member(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void read_fields(const cJSON *question, const char *name,
			const char *ret_values[FIELD_COUNT])
{
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(question, name);

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		const char *value = string_member(object, field_name(field));

		ret_values[field] = value && value[0] ? value : NULL;
	}
}

static bool override(struct overrides *overrides, enum field field, const char *value)
{
	const char *before = getenv(field_variable(field));

	if (!overrides->set[field])
		overrides->before[field] = before ? text_copy(text_of(before)) : NULL;
	overrides->set[field] = true;
	return !setenv(field_variable(field), value, 1);
}

static bool overrides_apply(struct overrides *overrides)
{
	const struct config_snapshot *snapshot;
	struct tag_request request;
	struct values values;
	bool done = true, any = false, task = overrides->fallback[FIELD_TASK_ID] != NULL;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		any = any || overrides->fallback[field];
		if (overrides->context[field])
			done = done && override(overrides, field, overrides->context[field]);
	}
	if (!done || !any)
		return done;
	if (!request_init(&request, "POST", ""))
		return false;
	/* Which fields a source that is asked at once (all but git) has. */
	snapshot = config_get(true);
	values_collect(&request, snapshot->config, NULL, DERIVES_NOT, &values);
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		bool has = values.context.origin[field] != ORIGIN_NONE;

		/* The parent of a fallback task belongs to that task. */
		if (field == FIELD_PARENT_TASK_ID && task)
			has |= values.context.origin[FIELD_TASK_ID] != ORIGIN_NONE;
		if (overrides->fallback[field] && has)
			overrides->fallback[field] = NULL;
	}
	values_release(&values);
	config_put(snapshot);
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (overrides->fallback[field])
			done = done && override(overrides, field, overrides->fallback[field]);
	}
	return done;
}

static void overrides_undo(struct overrides *overrides)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (overrides->before[field])
			setenv(field_variable(field), overrides->before[field], 1);
		else if (overrides->set[field])
			unsetenv(field_variable(field));
		free(overrides->before[field]);
	}
}

/* The project comes from the folder. A folder that cannot be entered has none, rather than another
 * folder's. */
static void enter_folder(const struct helper *helper, const char *folder)
{
	if (!folder && !fchdir(helper->home_fd))
		return;
	if ((!folder || chdir(folder) < 0) && chdir("/") < 0)
		_exit(EXIT_TROUBLE);
}

/* "own" is what the client sends itself: a list of names, or an object that has the values, too. */
static struct text own_name(const cJSON *own)
{
	return text_of(own->string ? own->string : cJSON_GetStringValue(own));
}

static bool client_sets(void *arg, struct text name)
{
	const cJSON *own;

	for (own = arg ? ((const cJSON *)arg)->child : NULL; own; own = own->next) {
		if (header_name_eq(own_name(own), name))
			return true;
	}
	return false;
}

static const void *next_own(void *arg, const void *cursor, uint64_t starts, struct text *ret_name,
			    struct text *ret_value)
{
	const cJSON *own = cursor ? ((const cJSON *)cursor)->next :
			   arg	  ? ((const cJSON *)arg)->child :
				    NULL;

	if (!own)
		return NULL;
	*ret_name = own_name(own);
	*ret_value = own->string ? text_of(cJSON_GetStringValue(own)) : TEXT("");
	return own;
}

/* What the asking side has of the request's body: "body" is its text, or true where it is given at
 * a second question, if the answer to the first is {"body":true}; that one has "body_bytes", and
 * that many bytes follow its line. */
struct asked_body {
	struct text text;
	bool on_demand, demanded;
};

static struct text asked_body(void *arg)
{
	struct asked_body *body = arg;

	body->demanded = true;
	return body->text;
}

/* The bytes behind the line; NULL when there are none. */
static char *read_body(const cJSON *question, struct asked_body *body)
{
	double number = cJSON_GetNumberValue(
		cJSON_GetObjectItemCaseSensitive(question, "body_bytes"));
	char *memory;

	if (!(number >= 1 && number <= BODY_HEAD_BYTES))
		return NULL;
	memory = array_grow(NULL, 0, (size_t)number);
	body->text = (struct text){ memory, fread(memory, 1, (size_t)number, stdin) };
	return memory;
}

/* The process that asks is the one that sends: it started us. */
static const char *asking_command(void)
{
	static char path[PATH_BYTES_MAX];
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)getppid());
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	return program_name(path);
}

static cJSON *answer_headers(struct helper *helper, const cJSON *question)
{
	const char *method = string_member(question, "method");
	const char *url = string_member(question, "url");
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(question, "body");
	struct asked_body body = { text_of(cJSON_GetStringValue(member)), cJSON_IsTrue(member),
				   false };
	char *memory = read_body(question, &body);
	enum tag_verdict verdict = TAG_NO_MEMORY;
	struct tag_lines *lines = NULL;
	struct tag_request request;
	cJSON *answer;

	if (!url) {
		free(memory);
		return NULL;
	}
	if (request_init(&request, method ? method : "POST", url)) {
		request.body = asked_body;
		request.body_arg = &body;
		request.client_sets = client_sets;
		request.next_header = next_own;
		request.peer = TAG_PEER_BY_STRICT_NAME;
		request.arg = cJSON_GetObjectItemCaseSensitive(question, "own");
		request.pid = getppid();
		request.command = asking_command();
		verdict = headers_build(&request, &lines);
	}
	free(memory);
	if (body.on_demand && body.demanded) {
		free(lines);
		answer = cJSON_CreateObject();
		cJSON_AddBoolToObject(answer, "body", true);
		return answer;
	}
	if (lines && lines->log_entry)
		log_append(lines->log_entry->path,
			   (struct text){ lines->log_entry->line, lines->log_entry->len });
	answer = headers_object(verdict, lines);
	if (lines && helper->agent) {
		agents_note_seen(helper->agent);
		helper->agent = NULL;
	}
	free(lines);
	return answer;
}

/* What a program that is started now should find in its environment: the overrides, and a new span
 * of the current trace. */
static cJSON *answer_environment(const struct overrides *overrides)
{
	static const enum field trace[] = { FIELD_TRACEPARENT, FIELD_TRACESTATE };
	cJSON *answer = cJSON_CreateObject();
	cJSON *variables = cJSON_AddObjectToObject(answer, "environment");
	const struct config_snapshot *snapshot;
	struct tag_request request;
	struct values values;
	struct text value;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (overrides->set[field] && field != FIELD_TRACEPARENT &&
		    field != FIELD_TRACESTATE)
			cJSON_AddStringToObject(variables, field_variable(field),
						getenv(field_variable(field)));
	}
	if (!request_init(&request, "POST", ""))
		return answer;
	snapshot = config_get(true);
	values_collect(&request, snapshot->config, NULL, DERIVES_NOT, &values);
	for (size_t i = 0; i < sizeof(trace) / sizeof(trace[0]); i++) {
		char *copy;

		if (!values_lookup(&values, text_of(field_name(trace[i])), &value))
			continue;
		copy = text_copy(value);
		cJSON_AddStringToObject(variables, field_variable(trace[i]), copy);
		free(copy);
	}
	values_release(&values);
	config_put(snapshot);
	return answer;
}

static cJSON *answer(struct helper *helper, const cJSON *question)
{
	const char *op = string_member(question, "op");
	struct overrides overrides = { .set = { false } };
	cJSON *result = NULL;

	read_fields(question, "context", overrides.context);
	read_fields(question, "default", overrides.fallback);
	if (op && !strcmp(op, "publish")) {
		result = cJSON_CreateObject();
		cJSON_AddBoolToObject(result, "published",
				      publish(helper->scope, getppid(), overrides.context));
		return result;
	}
	enter_folder(helper, string_member(question, "cwd"));
	if (overrides_apply(&overrides)) {
		if (!op || !strcmp(op, "headers"))
			result = answer_headers(helper, question);
		else if (!strcmp(op, "environment"))
			result = answer_environment(&overrides);
	}
	overrides_undo(&overrides);
	return result;
}

/* Every line gets an answer, so that the asking side can count them. */
static bool answer_line(struct helper *helper, const char *line, size_t len)
{
	cJSON *question = cJSON_ParseWithLength(line, len), *reply = NULL;
	char *text;
	bool sent;

	if (cJSON_IsObject(question))
		reply = answer(helper, question);
	text = reply ? cJSON_PrintUnformatted(reply) : NULL;
	sent = puts(text ? text : "{\"error\":\"invalid question\"}") >= 0 && !fflush(stdout);
	cJSON_free(text);
	cJSON_Delete(reply);
	cJSON_Delete(question);
	return sent;
}

/* {comm} in a template is the program that asks, not its helper. */
static void take_parents_name(void)
{
	static char name[64];
	char path[32];
	struct buf buf;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	buf_init(&buf, name, sizeof(name));
	if (file_read(AT_FDCWD, path, &buf) || !buf.len)
		return;
	name[strcspn(name, "\n")] = '\0';
	program_invocation_short_name = name;
}

int headers_serve(const char *agent)
{
	struct helper helper = { .agent = agent };
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	helper.home_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	take_parents_name();
	/* The last line counts only when it is complete. */
	while ((len = getline(&line, &size, stdin)) > 0 && line[len - 1] == '\n') {
		if (len > FRAME_BYTES || !answer_line(&helper, line, (size_t)len - 1))
			return EXIT_TROUBLE;
	}
	fd_close(helper.home_fd);
	free(line);
	return EXIT_OK;
}
