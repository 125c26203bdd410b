/* SPDX-License-Identifier: MIT */
/* Messages of the protocol, version 1: errors, and requests as a struct. Replies are in
 * protocol/reply.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "core/context.h"
#include "lib/json.h"
#include "protocol/protocol_limits.h"

/* What a request can be refused with (docs/protocol.md says when): of several errors, the first of
 * this list is reported. */
/* clang-format off */
#define WIRE_CODES(X) \
	X(TOO_LONG, too_long) X(BAD_JSON, bad_json) X(BAD_VERSION, bad_version) \
	X(BAD_OP, bad_op) X(BAD_SCOPE, bad_scope) X(BAD_FIELD, bad_field) \
	X(BAD_VALUE, bad_value) X(TOO_MANY, too_many) X(FORBIDDEN, forbidden) \
	X(SCOPE_ENDED, scope_ended) X(TIMED_OUT, timed_out) X(STORE_AWAY, store_away) \
	X(NO_MEMORY, no_memory)
/* clang-format on */

enum wire_code {
#define WIRE_CODE(constant, name) WIRE_##constant,
	WIRE_CODES(WIRE_CODE)
#undef WIRE_CODE
		WIRE_CODE_COUNT
};

const char *wire_code_name(enum wire_code code);

struct wire_error {
	enum wire_code code; /* WIRE_CODE_COUNT: none */
	struct buf message; /* over memory */
	char memory[WIRE_MESSAGE_BYTES_MAX];
};

void wire_error_init(struct wire_error *error);
/* Starts the message of an error, unless there is one that comes first in WIRE_CODES: then false,
 * and nothing is to be added. */
bool wire_error_start(struct wire_error *error, enum wire_code code, struct text message);
/* Appends what somebody sent, in quotes: UTF-8 whatever it was, and cut. */
void wire_error_quote(struct wire_error *error, struct text text);
/* Appends the names of all fields. */
void wire_error_fields(struct wire_error *error);

/* clang-format off */
#define WIRE_OPS(X) \
	X(GET, get) X(SET, set) X(UNSET, unset) X(OPEN, open) X(CLOSE, close) X(LIST, list) \
	X(WATCH, watch) X(PING, ping)
/* clang-format on */

enum wire_op {
#define WIRE_OP(constant, name) WIRE_##constant,
	WIRE_OPS(WIRE_OP)
#undef WIRE_OP
		WIRE_OP_COUNT
};

const char *wire_op_name(enum wire_op op);

/* Which scope is meant. */
enum wire_target {
	WIRE_OWN, /* that of the asking process; `scope` may hold its token (TAGALONG_SCOPE) */
	WIRE_NAMED, /* the one called `scope` */
	WIRE_PROCESS, /* that of process `pid`; for open: a new one for its tree */
	WIRE_DEFAULT
};

/* Texts are borrowed. An empty value is not given. */
struct wire_request {
	enum wire_op op;
	enum wire_target target;
	struct text scope;
	pid_t pid;
	struct text value[FIELD_COUNT]; /* set, open */
	bool unset[FIELD_COUNT]; /* unset */
	uint64_t after; /* list: where the last page ended; 0 for the first */
	bool page; /* get: shared memory is welcome as well */
	uint64_t ttl_seconds; /* set, open: the time to live of a named scope; 0: as it is */
};

/* A year: longer than any job, and milliseconds of it fit everywhere. */
#define WIRE_TTL_SECONDS_MAX 31536000

/* Whether it can be a scope's name: 1 to WIRE_NAME_BYTES_MAX letters, digits and "._-:/@+", not
 * "default", and no beginning "pid:" (so that all three can be told apart on a command line). */
bool wire_name_ok(struct text name);

/* What is wrong with a value, for people; NULL if nothing. It has to be UTF-8 without control
 * characters, not empty, and within its limit as it stands in a line: quotes and backslashes count
 * twice. */
const char *wire_value_error(enum field field, struct text value);

/* Appends one line with its LF. Names and values have to be in order (above). A token that cannot
 * be a scope's name is left out. */
void wire_write_request(struct buf *buf, const struct wire_request *request);
/* Appends the line of the one question that the shim asks; the token may be empty. */
void wire_get_request(struct buf *buf, struct text token, bool page);

/* Reads a line (without LF), whose memory it overwrites and into which the texts then point. 0, or
 * -EINVAL with *ret_error filled; ret_request is then undefined. Members that are not known are
 * passed over, so that later versions can add some. */
int wire_read_request(char *line, size_t len, struct wire_request *ret_request,
		      struct wire_error *ret_error);

/* Appends `"key":{...}` with the fields that have a value. */
void member_write_fields(struct buf *buf, const char *key, const struct text value[FIELD_COUNT]);
/* Reads an object of fields. Unknown names are passed over; a value that is no string is an error of
 * the reader. */
void member_read_fields(struct json *json, struct text ret_value[FIELD_COUNT]);
