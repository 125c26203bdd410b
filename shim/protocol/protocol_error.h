/* SPDX-License-Identifier: MIT */
/* The protocol's errors: a code for programs and a message for people. */
#ifndef TAGALONG_PROTOCOL_PROTOCOL_ERROR_H
#define TAGALONG_PROTOCOL_PROTOCOL_ERROR_H

#include "lib/buf.h"
#include "protocol/protocol_limits.h"

enum wire_code {
#define ERROR(constant, code, what) WIRE_##constant,
#include "protocol/errors.def"
#undef ERROR
	WIRE_CODE_COUNT
};

const char *wire_code_name(enum wire_code code);
const char *wire_code_what(enum wire_code code);

struct wire_fault {
	enum wire_code code; /* WIRE_CODE_COUNT: none */
	struct buf message; /* over memory */
	char memory[WIRE_MESSAGE_BYTES_MAX];
};

void wire_fault_init(struct wire_fault *fault);
/* Starts the message of a fault, unless there is one that comes first in errors.def: then false,
 * and nothing is to be added. */
bool wire_fault_start(struct wire_fault *fault, enum wire_code code, struct text message);
/* Appends what somebody sent, in quotes: UTF-8 whatever it was, and cut. */
void wire_fault_quote(struct wire_fault *fault, struct text text);
/* Appends the names of all fields. */
void wire_fault_fields(struct wire_fault *fault);

#endif
