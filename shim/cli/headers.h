/* SPDX-License-Identifier: MIT */
/* The core's answer about one request, for the commands explain and headers. */
#pragma once

#include <cjson/cJSON.h>

#include "core/request.h"

/* With `method` and `body_file`, which point to what is given. */
/* clang-format off */
#define REQUEST_OPTIONS \
	OVERRIDE_OPTIONS, \
	{ "method", "METHOD", "the request's method (default: POST)", .text = &method }, \
	{ "body", "FILE", "the request's body, for ids that come from it; - is stdin", WORD_FILE, \
	  .text = &body_file }
/* clang-format on */

/* Fills a request that has no client: no header set by it, no body, no observer. The texts are
 * borrowed. False when there is no randomness for the request id. */
bool request_init(struct tag_request *request, const char *method, const char *url);
/* For tag_request.body: arg is a struct text. */
struct text request_body(void *arg);
/* Reads what --body names, a file or "-" for standard input, as far as the core looks at it, into
 * memory that stays. NULL: nothing. */
struct text request_body_read(const char *path);

/* tag_build, but nothing matches while TAGALONG_OFF is 1. */
enum tag_verdict headers_build(const struct tag_request *request, struct tag_lines **ret_lines);
/* {"matched":true,"headers":[{"name":"X-Task-Id","value":"T-42"}]}; with "refused":true where a
 * rule requires a field that has no value. */
cJSON *headers_object(enum tag_verdict verdict, const struct tag_lines *lines);

/* Answers questions, one line of JSON each, on standard input until it ends; `agent`, if not NULL,
 * is noted as seen when it first got a header. The exit code. */
int headers_serve(const char *agent);
