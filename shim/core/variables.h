/* SPDX-License-Identifier: MIT */
/* The one place where the environment is read. */
#pragma once

#include <stdbool.h>

#include "core/variables.def"
#include "lib/text.h"

enum variable {
#define VARIABLE_ENUM(constant, ...) VARIABLE_##constant,
	VARIABLES(VARIABLE_ENUM) VARIABLE_COUNT
};

const char *variable_name(enum variable variable);

/* The value, or NULL when it is unset or empty, or in a program that runs with elevated privileges. It
 * belongs to the environment: valid until the host changes it. */
const char *variable_get(enum variable variable);
/* The same for any name. */
const char *variable_get_named(const char *name);
/* Calls `each` for every variable, "NAME=value" as it stands, in the order of the environment;
 * of none in a program with elevated privileges. */
void variables_scan(void (*each)(void *arg, const char *variable), void *arg);
/* Splits one of them; false where there is no "=". */
bool variable_split(const char *variable, struct text *ret_name, const char **ret_value);
/* Whether it is set to "1". */
bool variable_is_on(enum variable variable);
