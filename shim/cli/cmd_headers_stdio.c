// SPDX-License-Identifier: MIT
/*
 * tagalong headers --stdio: a helper beside a program that lives long, such as an agent with a
 * plugin. One question a line, one answer a line, in order. It is a child of that program, so that the
 * context service finds it in the program's own scope, and it ends with it.
 */
#include "cli/cmd_headers.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agents/agents.h"
#include "lib/fdio.h"
#include "core/log.h"
#include "cli/overrides.h"
#include "cli/request_arg.h"
#include "cli/command.h"
#include "cli/program.h"
#include "cli/publish.h"
#include "core/config.h"
#include "core/header.h"
#include "core/request_log.h"
#include "protocol/frame.h"

struct helper {
	const char *agent; /* to be noted as seen; NULL when it was, or when there is none */
	int home_fd; /* the folder that we were started in */
	struct publisher publisher;
	struct frame frame; /* over standard input */
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

/* A project is a folder's. One that cannot be entered has none, rather than another folder's. */
static void enter(const struct helper *helper, const char *folder)
{
	if (!folder && !fchdir(helper->home_fd))
		return;
	if ((!folder || chdir(folder) < 0) && chdir("/") < 0)
		_exit(EXIT_TROUBLE);
}

static bool is_own(void *arg, struct text name)
{
	const cJSON *own;

	cJSON_ArrayForEach(own, (const cJSON *)arg)
	{
		const char *text = own->string ? own->string : cJSON_GetStringValue(own);

		if (text && header_name_eq(text_of(text), name))
			return true;
	}
	return false;
}

/* "own" as an object has the values, too; as a list it has but the names. */
static const void *next_own(void *arg, const void *cursor, struct text *ret_name,
			    struct text *ret_value)
{
	const cJSON *own = cursor ? ((const cJSON *)cursor)->next : arg ? ((const cJSON *)arg)->child : NULL;

	if (!own)
		return NULL;
	*ret_name = text_of(own->string ? own->string : cJSON_GetStringValue(own));
	*ret_value = own->string ? text_of(cJSON_GetStringValue(own)) : TEXT("");
	return own;
}

/* What the asking side has of the request's body: "body" is its text, or true where it is given at a
 * second question, if the answer to the first is {"body":true}; that one has "body_bytes", and so
 * many bytes follow behind its line. */
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

/* The bytes behind the line; NULL when there are none, or the asking side has gone. */
static char *read_body(struct helper *helper, const cJSON *question, struct asked_body *body)
{
	double number = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(question, "body_bytes"));
	size_t size, len;
	char *memory;

	if (!(number >= 1 && number <= BODY_HEAD_BYTES))
		return NULL;
	size = (size_t)number;
	memory = malloc(size);
	if (!memory)
		_exit(EXIT_TROUBLE); /* what follows would be taken for questions */
	len = frame_take(&helper->frame, memory, size);
	while (len < size) {
		ssize_t count = read(STDIN_FILENO, memory + len, size - len);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			break;
		len += (size_t)count;
	}
	body->text = (struct text){ memory, len };
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
	const cJSON *given_body = cJSON_GetObjectItemCaseSensitive(question, "body");
	struct asked_body body = { text_of(cJSON_GetStringValue(given_body)), cJSON_IsTrue(given_body), false };
	char *memory = read_body(helper, question, &body);
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
		request.client_sets = is_own;
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
	if (lines && lines->record)
		log_append(lines->record->path,
			   (struct text){ lines->record->line, lines->record->len });
	answer = headers_object(verdict, lines);
	if (lines && helper->agent) {
		agents_note_seen(helper->agent);
		helper->agent = NULL;
	}
	free(lines);
	return answer;
}

static void add_looked_up(cJSON *variables, struct values *values, enum field field)
{
	char memory[LIST_BYTES_MAX + 1];
	struct text value;
	struct buf buf;

	if (!values_lookup(values, text_of(field_name(field)), &value))
		return;
	buf_init(&buf, memory, sizeof(memory));
	buf_add(&buf, value);
	if (!buf.full)
		cJSON_AddStringToObject(variables, field_variable(field), buf.data);
}

/* What a program that is started now has to find in its environment: the fields that were given and
 * count, and a new span of the current trace. */
static cJSON *answer_environment(const struct given_saved *put)
{
	cJSON *answer = cJSON_CreateObject();
	cJSON *variables = cJSON_AddObjectToObject(answer, "environment");
	const struct config_snapshot *snapshot;
	struct tag_request request;
	struct values values;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (put->put[field] && field != FIELD_TRACEPARENT && field != FIELD_TRACESTATE)
			cJSON_AddStringToObject(variables, field_variable(field),
						getenv(field_variable(field)));
	}
	if (!request_init(&request, "POST", ""))
		return answer;
	snapshot = config_get(true);
	values_collect(&request, snapshot->config, NULL, DERIVES_NOT, &values);
	add_looked_up(variables, &values, FIELD_TRACEPARENT);
	add_looked_up(variables, &values, FIELD_TRACESTATE);
	values_release(&values);
	config_put(snapshot);
	return answer;
}

static cJSON *answer_publish(struct helper *helper, const struct given *given)
{
	cJSON *answer = cJSON_CreateObject();

	cJSON_AddBoolToObject(answer, "published",
			      publish(&helper->publisher, getppid(), given->context));
	return answer;
}

static cJSON *answer(struct helper *helper, const cJSON *question)
{
	const char *op = string_member(question, "op");
	struct given_saved saved;
	struct given given;
	cJSON *result = NULL;

	read_fields(question, "context", given.context);
	read_fields(question, "default", given.fallback);
	if (op && !strcmp(op, "publish"))
		return answer_publish(helper, &given);
	enter(helper, string_member(question, "cwd"));
	if (given_put(&given, &saved)) {
		if (!op || !strcmp(op, "headers"))
			result = answer_headers(helper, question);
		else if (!strcmp(op, "environment"))
			result = answer_environment(&saved);
	}
	given_restore(&saved);
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
	sent = puts(text ? text : "{\"error\":\"this is no question\"}") >= 0 && !fflush(stdout);
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
	static char memory[FRAME_BYTES];
	struct helper helper = { .agent = agent };
	struct frame *frame = &helper.frame;
	int result = 0;

	helper.home_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	take_parents_name();
	frame_init(frame, memory, sizeof(memory), 0);
	while (result >= 0) {
		char *line, *space;
		size_t len, room;
		ssize_t count;

		while ((result = frame_next(frame, &line, &len)) > 0) {
			if (!answer_line(&helper, line, len))
				return EXIT_TROUBLE;
		}
		if (result < 0)
			break;
		space = frame_space(frame, &room);
		do {
			count = read(STDIN_FILENO, space, room);
		} while (count < 0 && errno == EINTR);
		if (count <= 0)
			break;
		frame_added(frame, (size_t)count);
	}
	fd_close(helper.home_fd);
	return result < 0 ? EXIT_TROUBLE : EXIT_OK;
}
