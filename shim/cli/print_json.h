/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>
#include <stdio.h>

/* Prints an object on stdout, by cJSON_Print or cJSON_PrintUnformatted, with an LF. Frees it. */
static inline void print_json(cJSON *object, char *(*print)(const cJSON *object))
{
	char *text = print(object);

	puts(text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(object);
}

/* Adds a text where there is one: NULL is none. */
static inline void add_text(cJSON *object, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(object, name, text);
}
