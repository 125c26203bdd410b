// SPDX-License-Identifier: MIT
/* Errors, fields and requests, written and read. One pass over the line: semantic errors are noted
 * and the reading goes on, so that bad JSON, or another version, is always what is reported. */
#include "protocol/message.h"

#include <errno.h>
#include <limits.h>

#include "lib/chars.h"
#include "lib/json.h"

static const char code_names[WIRE_CODE_COUNT][16] = {
#define WIRE_CODE(constant, name) #name,
	WIRE_CODES(WIRE_CODE)
#undef WIRE_CODE
};

const char *wire_code_name(enum wire_code code)
{
	return code_names[code];
}

void wire_error_init(struct wire_error *error)
{
	error->code = WIRE_CODE_COUNT;
	buf_init(&error->message, error->memory, sizeof(error->memory));
}

bool wire_error_start(struct wire_error *error, enum wire_code code, struct text message)
{
	if (code >= error->code)
		return false;
	error->code = code;
	buf_cut(&error->message, 0);
	buf_add(&error->message, message);
	return true;
}

void wire_error_quote(struct wire_error *error, struct text text)
{
	struct text rest = text;
	uint32_t point;

	buf_char(&error->message, '"');
	while (rest.len && text.len - rest.len < WIRE_QUOTED_BYTES_MAX) {
		struct text before = rest;

		if (utf8_next(&rest, &point)) {
			before.len -= rest.len;
		} else {
			before = TEXT("?");
			rest = text_from(rest, 1);
		}
		if (before.len == 1 && char_is_control(before.ptr[0]))
			before = TEXT("?");
		buf_add(&error->message, before);
	}
	buf_add(&error->message, rest.len ? TEXT("...\"") : TEXT("\""));
}

void wire_error_fields(struct wire_error *error)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (field)
			buf_add(&error->message, TEXT(", "));
		buf_add(&error->message, text_of(field_name(field)));
	}
}

void member_write_fields(struct buf *buf, const char *key, const struct text value[FIELD_COUNT])
{
	json_write_key(buf, key);
	buf_char(buf, '{');
	for (enum field field = 0; field < FIELD_COUNT; field++)
		json_write_text(buf, field_name(field), value[field]);
	buf_char(buf, '}');
}

void member_read_fields(struct json *json, struct text ret_value[FIELD_COUNT])
{
	struct text key;

	json_object(json);
	while (json_member(json, &key)) {
		enum field field = field_by_name(key);

		if (field < FIELD_COUNT)
			json_string(json, &ret_value[field]);
		else
			json_skip(json, NULL);
	}
}

static const char op_names[WIRE_OP_COUNT][8] = {
#define WIRE_OP(constant, name) #name,
	WIRE_OPS(WIRE_OP)
#undef WIRE_OP
};

const char *wire_op_name(enum wire_op op)
{
	return op_names[op];
}

bool wire_name_ok(struct text name)
{
	if (!name.len || name.len > WIRE_NAME_BYTES_MAX || text_eq(name, TEXT("default")) ||
	    text_starts_with(name, TEXT("pid:")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.ptr[i]) && text_find(TEXT("._-:/@+"), name.ptr[i]) < 0)
			return false;
	}
	return true;
}

static bool is_list(enum field field)
{
	return field == FIELD_TAGS || field == FIELD_TRACESTATE || field == FIELD_BAGGAGE;
}

const char *wire_value_error(enum field field, struct text value)
{
	struct text rest = value;
	uint32_t point;

	if (!value.len)
		return "is empty; unset takes a field away";
	while (utf8_next(&rest, &point)) {
		if (point < 0x80 && char_is_control((char)point))
			return "has a control character";
	}
	if (rest.len)
		return "is not UTF-8";
	if (json_written_bytes(value) > (is_list(field) ? WIRE_LIST_BYTES_MAX : WIRE_ID_BYTES_MAX))
		return is_list(field) ? "is longer than 8,192 bytes" : "is longer than 1,024 bytes";
	return NULL;
}

static void write_target(struct buf *buf, const struct wire_request *request)
{
	bool own = request->target == WIRE_OWN;

	if (own && !wire_name_ok(request->scope))
		return;
	json_write_key(buf, "scope");
	buf_char(buf, '{');
	switch (request->target) {
	case WIRE_OWN:
	case WIRE_NAMED:
		json_write_text(buf, own ? "token" : "name", request->scope);
		break;
	case WIRE_PROCESS:
		json_write_number(buf, "pid", (uint64_t)request->pid);
		break;
	case WIRE_DEFAULT:
		json_write_key(buf, "default");
		buf_add(buf, TEXT("true"));
		break;
	}
	buf_char(buf, '}');
}

static void write_fields(struct buf *buf, const bool unset[FIELD_COUNT])
{
	json_write_key(buf, "fields");
	buf_char(buf, '[');
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!unset[field])
			continue;
		if (buf->data[buf->len - 1] != '[')
			buf_char(buf, ',');
		json_write_string(buf, text_of(field_name(field)));
	}
	buf_char(buf, ']');
}

void wire_write_request(struct buf *buf, const struct wire_request *request)
{
	buf_add(buf, TEXT("{\"v\":1,\"op\":"));
	json_write_string(buf, text_of(wire_op_name(request->op)));
	if (request->op != WIRE_LIST && request->op != WIRE_PING)
		write_target(buf, request);
	if (request->op == WIRE_GET && request->page) {
		json_write_key(buf, "page");
		buf_add(buf, TEXT("true"));
	}
	if (request->op == WIRE_SET || request->op == WIRE_OPEN) {
		member_write_fields(buf, "context", request->value);
		json_write_number(buf, "ttl", request->ttl_seconds);
	}
	if (request->op == WIRE_UNSET)
		write_fields(buf, request->unset);
	if (request->op == WIRE_LIST)
		json_write_number(buf, "after", request->after);
	buf_add(buf, TEXT("}\n"));
}

void wire_get_request(struct buf *buf, struct text token, bool page)
{
	/* By itself: the library in the hosts needs none of the other ones. */
	buf_add(buf, TEXT("{\"v\":1,\"op\":\"get\""));
	if (wire_name_ok(token)) {
		buf_add(buf, TEXT(",\"scope\":{\"token\":\""));
		buf_add(buf, token);
		buf_add(buf, TEXT("\"}"));
	}
	if (page)
		buf_add(buf, TEXT(",\"page\":true"));
	buf_add(buf, TEXT("}\n"));
}

/* The members of a request, as bits: those that were there. */
enum {
	HAS_V = 1,
	HAS_OP = 2,
	HAS_SCOPE = 4,
	HAS_CONTEXT = 8,
	HAS_FIELDS = 16,
	HAS_AFTER = 32,
	HAS_PAGE = 64,
	HAS_TTL = 128
};

struct reading {
	struct json json;
	struct wire_request *request;
	struct wire_error *error;
	unsigned has;
};

static void note(struct reading *reading, enum wire_code code, const char *message)
{
	wire_error_start(reading->error, code, text_of(message));
}

static void note_quoted(struct reading *reading, enum wire_code code, const char *message,
			struct text text)
{
	if (wire_error_start(reading->error, code, text_of(message)))
		wire_error_quote(reading->error, text);
}

/* Whether the next value has this type; else it is passed over and noted. */
static bool expect(struct reading *reading, enum json_type type, enum wire_code code,
		   const char *message)
{
	if (json_peek(&reading->json) == type)
		return true;
	if (json_skip(&reading->json, NULL))
		note(reading, code, message);
	return false;
}

/* Marks a member as seen; a second one of the same name is an error. */
static void once(struct reading *reading, unsigned *seen, unsigned bit, struct text name)
{
	if (*seen & bit)
		note_quoted(reading, WIRE_BAD_JSON, "a member is given twice: ", name);
	*seen |= bit;
}

static void read_version(struct reading *reading)
{
	struct text raw;

	if (json_skip(&reading->json, &raw) && !text_eq(raw, TEXT("1")))
		note(reading, WIRE_BAD_VERSION, "\"v\" has to be 1");
}

static void read_op(struct reading *reading)
{
	struct text name;
	int op = 0;

	if (!expect(reading, JSON_STRING, WIRE_BAD_OP, "\"op\" has to be a string") ||
	    !json_string(&reading->json, &name))
		return;
	while (op < WIRE_OP_COUNT && !text_eq(name, text_of(op_names[op])))
		op++;
	if (op == WIRE_OP_COUNT)
		note_quoted(reading, WIRE_BAD_OP, "there is no op ", name);
	else
		reading->request->op = (enum wire_op)op;
}

static void read_scope_name(struct reading *reading, enum wire_target target)
{
	struct text name;

	if (!expect(reading, JSON_STRING, WIRE_BAD_SCOPE, "a scope's name has to be a string") ||
	    !json_string(&reading->json, &name))
		return;
	reading->request->target = target;
	/* A token comes from somebody's environment: one that can be no name is as none. */
	if (wire_name_ok(name))
		reading->request->scope = name;
	else if (target == WIRE_NAMED)
		note_quoted(reading, WIRE_BAD_SCOPE, "this cannot be the name of a scope: ", name);
}

/* A whole number from `min` to `max`, else 0. */
static uint64_t read_number(struct reading *reading, uint64_t min, uint64_t max,
			    enum wire_code code, const char *message)
{
	uint64_t number = 0;
	struct json json;
	struct text raw;

	if (!json_skip(&reading->json, &raw))
		return 0;
	json_init(&json, (char *)raw.ptr, raw.len);
	if (!json_number(&json, max, &number) || number < min)
		note(reading, code, message);
	return number;
}

static void read_scope_default(struct reading *reading)
{
	bool yes = false;

	if (!expect(reading, JSON_BOOLEAN, WIRE_BAD_SCOPE, "\"default\" has to be true"))
		return;
	if (json_boolean(&reading->json, &yes) && !yes)
		note(reading, WIRE_BAD_SCOPE, "\"default\" has to be true");
	reading->request->target = WIRE_DEFAULT;
}

static void read_scope(struct reading *reading)
{
	enum { NAME = 1, TOKEN = 2, PID = 4, DEFAULT = 8 };
	unsigned seen = 0;
	struct text key;

	if (!expect(reading, JSON_OBJECT, WIRE_BAD_SCOPE, "\"scope\" has to be an object"))
		return;
	json_object(&reading->json);
	while (json_member(&reading->json, &key)) {
		if (text_eq(key, TEXT("name"))) {
			once(reading, &seen, NAME, key);
			read_scope_name(reading, WIRE_NAMED);
		} else if (text_eq(key, TEXT("token"))) {
			once(reading, &seen, TOKEN, key);
			read_scope_name(reading, WIRE_OWN);
		} else if (text_eq(key, TEXT("pid"))) {
			once(reading, &seen, PID, key);
			reading->request->target = WIRE_PROCESS;
			reading->request->pid = (pid_t)
				read_number(reading, 1, INT_MAX, WIRE_BAD_SCOPE,
					    "a scope's pid has to be a whole number above 0");
		} else if (text_eq(key, TEXT("default"))) {
			once(reading, &seen, DEFAULT, key);
			read_scope_default(reading);
		} else if (json_skip(&reading->json, NULL)) {
			note_quoted(reading, WIRE_BAD_SCOPE,
				    "a scope is given by name, token, pid or default, not by ",
				    key);
		}
	}
	if (!seen || seen & (seen - 1))
		note(reading, WIRE_BAD_SCOPE,
		     "\"scope\" wants one of name, token, pid and default");
}

static void note_field(struct reading *reading, struct text name)
{
	if (!wire_error_start(reading->error, WIRE_BAD_FIELD, TEXT("there is no field ")))
		return;
	wire_error_quote(reading->error, name);
	buf_add(&reading->error->message, TEXT("; the fields are: "));
	wire_error_fields(reading->error);
}

/* {"team":"pay","env":"ci"} becomes team=pay,env=ci in the same memory: that is never longer. */
static void read_tags_object(struct reading *reading, struct text *ret_value)
{
	struct text key, value;
	char *start = reading->json.at, *to = start;

	json_object(&reading->json);
	while (json_member(&reading->json, &key)) {
		if (!expect(reading, JSON_STRING, WIRE_BAD_VALUE, "a tag has to be a string") ||
		    !json_string(&reading->json, &value))
			continue;
		if (!key.len || !value.len || text_find(key, ',') >= 0 ||
		    text_find(key, '=') >= 0 || text_find(value, ',') >= 0)
			note_quoted(reading, WIRE_BAD_FIELD,
				    "a tag is empty, or has a comma or (its key) \"=\": ", key);
		if (to > start)
			*to++ = ',';
		memmove(to, key.ptr, key.len);
		to += key.len;
		*to++ = '=';
		memmove(to, value.ptr, value.len);
		to += value.len;
	}
	*ret_value = (struct text){ start, (size_t)(to - start) };
}

static void read_value(struct reading *reading, enum field field)
{
	struct text *value = &reading->request->value[field];
	const char *error;

	if (field == FIELD_TAGS && json_peek(&reading->json) == JSON_OBJECT)
		read_tags_object(reading, value);
	else if (!expect(reading, JSON_STRING, WIRE_BAD_VALUE, "a value has to be a string") ||
		 !json_string(&reading->json, value))
		return;
	error = wire_value_error(field, *value);
	if (!error || !wire_error_start(reading->error, WIRE_BAD_VALUE, TEXT("the value of ")))
		return;
	buf_add(&reading->error->message, text_of(field_name(field)));
	buf_char(&reading->error->message, ' ');
	buf_add(&reading->error->message, text_of(error));
}

static void read_context(struct reading *reading)
{
	unsigned seen = 0;
	struct text key;

	_Static_assert(FIELD_COUNT <= 32, "a bit for each field");
	if (!expect(reading, JSON_OBJECT, WIRE_BAD_VALUE, "\"context\" has to be an object"))
		return;
	json_object(&reading->json);
	while (json_member(&reading->json, &key)) {
		enum field field = field_by_name(key);

		if (field < FIELD_COUNT) {
			once(reading, &seen, 1u << field, key);
			read_value(reading, field);
		} else if (json_skip(&reading->json, NULL)) {
			note_field(reading, key);
		}
	}
}

static void read_fields(struct reading *reading)
{
	struct text name;

	if (!expect(reading, JSON_ARRAY, WIRE_BAD_VALUE, "\"fields\" has to be an array"))
		return;
	json_array(&reading->json);
	while (json_element(&reading->json)) {
		enum field field;

		if (!expect(reading, JSON_STRING, WIRE_BAD_VALUE,
			    "a field's name has to be a string") ||
		    !json_string(&reading->json, &name))
			continue;
		field = field_by_name(name);
		if (field < FIELD_COUNT)
			reading->request->unset[field] = true;
		else
			note_field(reading, name);
	}
}

static void read_after(struct reading *reading)
{
	reading->request->after = read_number(reading, 0, UINT64_MAX, WIRE_BAD_VALUE,
					      "\"after\" has to be a whole number");
}

static void read_page(struct reading *reading)
{
	if (expect(reading, JSON_BOOLEAN, WIRE_BAD_VALUE, "\"page\" has to be true or false"))
		json_boolean(&reading->json, &reading->request->page);
}

static void read_ttl(struct reading *reading)
{
	reading->request->ttl_seconds = read_number(reading, 1, WIRE_TTL_SECONDS_MAX,
						    WIRE_BAD_VALUE,
						    "\"ttl\" has to be 1 to 31,536,000 seconds");
}

static const struct member {
	char name[8];
	unsigned bit;
	void (*read)(struct reading *reading);
} members[] = {
	/* clang-format off */
	{ "v", HAS_V, read_version },
	{ "op", HAS_OP, read_op },
	{ "scope", HAS_SCOPE, read_scope },
	{ "context", HAS_CONTEXT, read_context },
	{ "fields", HAS_FIELDS, read_fields },
	{ "after", HAS_AFTER, read_after },
	{ "page", HAS_PAGE, read_page },
	{ "ttl", HAS_TTL, read_ttl },
	/* clang-format on */
};

static void read_members(struct reading *reading)
{
	struct text key;

	while (json_member(&reading->json, &key)) {
		const size_t count = sizeof(members) / sizeof(members[0]);
		size_t i = 0;

		while (i < count && !text_eq(key, text_of(members[i].name)))
			i++;
		if (i == count) {
			json_skip(&reading->json, NULL);
			continue;
		}
		once(reading, &reading->has, members[i].bit, key);
		members[i].read(reading);
	}
}

/* What is missing. */
static void check(struct reading *reading)
{
	const struct wire_request *request = reading->request;

	if (!(reading->has & HAS_V))
		note(reading, WIRE_BAD_VERSION, "\"v\":1 is missing");
	if (!(reading->has & HAS_OP))
		note(reading, WIRE_BAD_OP, "\"op\" is missing");
	if (request->op == WIRE_SET && !(reading->has & HAS_CONTEXT))
		note(reading, WIRE_BAD_VALUE, "set wants a \"context\"");
	if (request->op == WIRE_UNSET && !(reading->has & HAS_FIELDS))
		note(reading, WIRE_BAD_VALUE, "unset wants \"fields\"");
	if (request->op == WIRE_CLOSE && !(reading->has & HAS_SCOPE))
		note(reading, WIRE_BAD_SCOPE, "close wants a \"scope\"");
}

static void note_syntax(struct reading *reading)
{
	if (!wire_error_start(reading->error, WIRE_BAD_JSON, text_of(reading->json.error)))
		return;
	buf_add(&reading->error->message, TEXT(" (at byte "));
	buf_number(&reading->error->message, json_where(&reading->json));
	buf_char(&reading->error->message, ')');
}

int wire_read_request(char *line, size_t len, struct wire_request *ret_request,
		      struct wire_error *ret_error)
{
	struct reading reading = { .request = ret_request, .error = ret_error };

	*ret_request = (struct wire_request){ .target = WIRE_OWN };
	wire_error_init(ret_error);
	json_init(&reading.json, line, len);
	if (json_object(&reading.json))
		read_members(&reading);
	if (json_end(&reading.json))
		check(&reading);
	else
		note_syntax(&reading);
	return ret_error->code == WIRE_CODE_COUNT ? 0 : -EINVAL;
}
