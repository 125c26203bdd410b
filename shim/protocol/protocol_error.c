// SPDX-License-Identifier: MIT
/* Building an error: of several faults in one request the first in errors.def counts. */
#include "protocol/protocol_error.h"

#include "core/context.h"
#include "lib/chars.h"

struct code_row {
	char name[16];
	char what[80];
};

static const struct code_row rows[WIRE_CODE_COUNT] = {
#define ERROR(constant, code, what) { #code, what },
#include "protocol/errors.def"
#undef ERROR
};

const char *wire_code_name(enum wire_code code)
{
	return rows[code].name;
}

const char *wire_code_what(enum wire_code code)
{
	return rows[code].what;
}

void wire_fault_init(struct wire_fault *fault)
{
	fault->code = WIRE_CODE_COUNT;
	buf_init(&fault->message, fault->memory, sizeof(fault->memory));
}

bool wire_fault_start(struct wire_fault *fault, enum wire_code code, struct text message)
{
	if (code >= fault->code)
		return false;
	fault->code = code;
	buf_cut(&fault->message, 0);
	buf_add(&fault->message, message);
	return true;
}

void wire_fault_quote(struct wire_fault *fault, struct text text)
{
	struct text rest = text;
	uint32_t point;

	buf_char(&fault->message, '"');
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
		buf_add(&fault->message, before);
	}
	buf_add(&fault->message, rest.len ? TEXT("...\"") : TEXT("\""));
}

void wire_fault_fields(struct wire_fault *fault)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (field)
			buf_add(&fault->message, TEXT(", "));
		buf_add(&fault->message, text_of(field_name(field)));
	}
}
