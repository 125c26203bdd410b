// SPDX-License-Identifier: MIT
/* The library as an addon of Node-API, which Node and Bun have: process.dlopen() gives a
 * JavaScript hook headers(method, url, head, body), which answers as tagalong_headers does, with
 * one string. The functions of Node-API are the program's own and are looked up by name:
 * elsewhere nobody has them. */
#include <stdbool.h>
#include <stdlib.h>

#include "lib/limits.h"
#include "preload/dso.h"
#include "preload/elf.h"
#include "preload/hook_api.h"

/* Of node_api.h, whose binary interface is fixed. */
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value napi_callback(napi_env env, napi_callback_info info);
#define NAPI_OK 0

struct node_api {
	int (*create_function)(napi_env, const char *, size_t, napi_callback *, void *,
			       napi_value *);
	int (*create_string)(napi_env, const char *, size_t, napi_value *);
	int (*set_property)(napi_env, napi_value, const char *, napi_value);
	int (*get_arguments)(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *,
			     void **);
	int (*get_string)(napi_env, napi_value, char *, size_t, size_t *);
	int (*is_buffer)(napi_env, napi_value, bool *);
	int (*get_buffer)(napi_env, napi_value, void **, size_t *);
};

enum { METHOD, URL, HEAD, BODY, ARGUMENTS };

#define STRING_BYTES_MAX 1048576 /* of one that is given to us */
#define LINES_SIZE (LINES_BYTES_MAX + LINES_MAX + 1)

static bool find_api(struct node_api *ret_api)
{
	static const char names[][32] = {
		"napi_create_function", "napi_create_string_utf8",    "napi_set_named_property",
		"napi_get_cb_info",	"napi_get_value_string_utf8", "napi_is_buffer",
		"napi_get_buffer_info",
	};
	void **function = (void **)ret_api;
	struct dso_iterator at = { NULL, false };

	while (dso_iterate(&at) && !elf_symbol(at.map, names[0]))
		;
	for (size_t i = 0; at.map && i < sizeof(names) / sizeof(names[0]); i++) {
		function[i] = elf_symbol(at.map, names[i]);
		if (!function[i])
			return false;
	}
	return at.map != NULL;
}

/* A string as UTF-8, to be freed; NULL for what is none. */
static char *string_of(const struct node_api *api, napi_env env, napi_value value)
{
	char *text = NULL;
	size_t len;

	if (api->get_string(env, value, NULL, 0, &len) == NAPI_OK && len <= STRING_BYTES_MAX)
		text = malloc(len + 1);
	if (text && api->get_string(env, value, text, len + 1, &len) != NAPI_OK) {
		free(text);
		text = NULL;
	}
	return text;
}

static napi_value headers(napi_env env, napi_callback_info info)
{
	char *text[BODY] = { NULL }, *lines = malloc(LINES_SIZE);
	napi_value value[ARGUMENTS], result = NULL;
	size_t count = ARGUMENTS, body_bytes = 0;
	struct node_api api;
	void *body = NULL;
	bool is_buffer = false;
	int bytes = 0;

	if (!lines || !find_api(&api) ||
	    api.get_arguments(env, info, &count, value, NULL, NULL) != NAPI_OK) {
		free(lines);
		return NULL;
	}
	for (size_t i = 0; i < BODY; i++)
		text[i] = string_of(&api, env, value[i]);
	/* Until Node 20, get_buffer ends the program when it is given anything else. */
	if (api.is_buffer(env, value[BODY], &is_buffer) != NAPI_OK || !is_buffer ||
	    api.get_buffer(env, value[BODY], &body, &body_bytes) != NAPI_OK)
		body = NULL;
	if (text[METHOD] && text[URL] && text[HEAD])
		bytes = hook_headers(text[METHOD], text[URL], text[HEAD], body, body_bytes, lines,
				     LINES_SIZE);
	for (size_t i = 0; i < BODY; i++)
		free(text[i]);
	api.create_string(env, lines, bytes > 0 ? (size_t)bytes : 0, &result);
	free(lines);
	return result;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
									  napi_value exports);

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	struct node_api api;
	napi_value function;

	if (find_api(&api) && api.create_function(env, "headers", sizeof("headers") - 1, headers,
						  NULL, &function) == NAPI_OK)
		api.set_property(env, exports, "headers", function);
	return exports;
}
