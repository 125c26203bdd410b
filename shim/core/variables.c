// SPDX-License-Identifier: MIT
/* Reading the environment: at the time of the request and on the host's own thread, as libcurl does
 * for its proxy variables, so no new kind of risk comes with it. */
#include "core/variables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define NAME(constant, name, what) #name,
static const char names[][28] = { VARIABLES(NAME) };

const char *variable_name(enum variable variable)
{
	return names[variable];
}

const char *variable_get_named(const char *name)
{
	const char *value = secure_getenv(name);

	return value && value[0] ? value : NULL;
}

const char *variable_get(enum variable variable)
{
	return variable_get_named(names[variable]);
}

void variables_scan(void (*each)(void *arg, const char *variable), void *arg)
{
	if (getauxval(AT_SECURE))
		return;
	for (char **variable = environ; variable && *variable; variable++)
		each(arg, *variable);
}

bool variable_split(const char *variable, struct text *ret_name, const char **ret_value)
{
	const char *equals = variable + strcspn(variable, "=");

	if (!*equals)
		return false;
	*ret_name = (struct text){ variable, (size_t)(equals - variable) };
	*ret_value = equals + 1;
	return true;
}

bool variable_is_on(enum variable variable)
{
	const char *value = variable_get(variable);

	return value && !strcmp(value, "1");
}
