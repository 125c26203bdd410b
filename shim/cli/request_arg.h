/* SPDX-License-Identifier: MIT */
/* A request that a command asks the core about, with libcurl's own URL parser. */
#ifndef TAGALONG_CLI_REQUEST_ARG_H
#define TAGALONG_CLI_REQUEST_ARG_H

#include <stdbool.h>

#include "core/request.h"

/* Fills all but the members that say who sets headers and who watches, which are left NULL. Both
 * texts are borrowed. False when there is no randomness for the request id. */
bool request_init(struct tag_request *request, const char *method, const char *url);

/* For tag_request.body: arg is a struct text. */
struct text request_body(void *arg);

#endif
