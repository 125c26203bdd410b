/* SPDX-License-Identifier: MIT */
/* The fields that are current for one request, and where each value came from. */
#pragma once

#include <stdbool.h>

#include "core/adopted.def"
#include "core/fields.def"
#include "lib/text.h"

enum field {
#define FIELD_ENUM(constant, ...) FIELD_##constant,
	FIELDS(FIELD_ENUM) FIELD_COUNT
};

/* Nearest to the request first: a smaller number wins. */
enum origin {
	ORIGIN_ENVIRONMENT,
	ORIGIN_SERVICE,
	ORIGIN_ADOPTED,
	ORIGIN_SIGNAL, /* what the client itself sends */
	ORIGIN_DERIVED,
	ORIGIN_NONE
};

/* Values are borrowed: from the environment, or from a store that the caller keeps. */
struct context {
	struct text value[FIELD_COUNT];
	enum origin origin[FIELD_COUNT];
	/* What a person would look for: a variable's name, ".git/config"; never NULL. */
	const char *detail[FIELD_COUNT];
};

const char *field_name(enum field field);
const char *field_variable(enum field field);
/* FIELD_COUNT when there is none of that name. */
enum field field_by_name(struct text name);
/* The same for the environment variable that carries it. */
enum field field_by_variable(struct text variable);

const char *origin_name(enum origin origin);

void context_init(struct context *context);
/* Sets the field if it is unset or came from further away; an empty value is no value. */
void context_offer(struct context *context, enum field field, struct text value, enum origin origin,
		   const char *detail);

/* The next key=value of a tags text; parts without "=", with an empty key or an empty value are
 * passed over. Blanks around key and value do not count. False at the end. */
bool tags_next(struct text *rest, struct text *ret_key, struct text *ret_value);
