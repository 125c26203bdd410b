/* SPDX-License-Identifier: MIT */
/* What `tagalong headers` asks, for one question or for many. */
#ifndef TAGALONG_CLI_CMD_HEADERS_H
#define TAGALONG_CLI_CMD_HEADERS_H

#include "core/request.h"

/* The core's answer, but for TAGALONG_OFF: then nothing is matched. *ret_lines as tag_build's. */
enum tag_verdict headers_build(const struct tag_request *request, struct tag_lines **ret_lines);

/* Answers lines on standard input until it ends; `agent`, if not NULL, is noted as seen working
 * when it first got a header. The exit code. */
int headers_serve(const char *agent);

struct cJSON;
/* The answer as an object: {"matched":true,"headers":[{"name":"X-Task-Id","value":"T-42"}]}; with
 * "refused":true where a rule requires a field that has no value. */
struct cJSON *headers_object(enum tag_verdict verdict, const struct tag_lines *lines);

#endif
