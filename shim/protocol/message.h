/* SPDX-License-Identifier: MIT */
/* A request of the protocol, version 1, as a struct: who asks writes it, the service reads it. */
#ifndef TAGALONG_PROTOCOL_MESSAGE_H
#define TAGALONG_PROTOCOL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "core/context.h"
#include "protocol/protocol_error.h"

enum wire_op {
#define OP(constant, name, what) WIRE_##constant,
#include "protocol/ops.def"
#undef OP
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
const char *wire_value_fault(enum field field, struct text value);

/* Appends one line with its LF. Names and values have to be in order (above). A token that cannot
 * be a scope's name is left out. */
void wire_write_request(struct buf *buf, const struct wire_request *request);
/* Appends the line of the one question that the shim asks; the token may be empty. */
void wire_get_request(struct buf *buf, struct text token, bool page);

/*
 * Reads a line (without LF), whose memory it overwrites and into which the texts then point. 0, or
 * -EINVAL with *ret_fault filled; ret_request is then undefined. Members that are not known are
 * passed over, so that later versions can add some.
 */
int wire_read_request(char *line, size_t len, struct wire_request *ret_request,
		      struct wire_fault *ret_fault);

#endif
