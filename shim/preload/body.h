/* SPDX-License-Identifier: MIT */
/* Where the client's request body is. Noted always, because that costs two stores; read only for a
 * rule that asks for it, when the request is built. */
#pragma once

#include "lib/text.h"
#include "preload/curl_api.h"

/* All zero: no body that can be read. */
struct body {
	const char *data; /* the client's memory (CURLOPT_POSTFIELDS), or `copy` */
	char *copy; /* of the head of CURLOPT_COPYPOSTFIELDS, made where a rule asks for bodies */
	size_t copy_bytes;
	curl_off_t size_plus_one; /* 0: none was set, data ends in a NUL */
};

/* libcurl took a BODY option of options.def. A size comes as a number. */
void body_option(struct body *body, CURLoption option, const void *argument);
void body_size(struct body *body, curl_off_t bytes);

/* The body, or the first BODY_HEAD_BYTES of it; empty when it is not known. Only while a request
 * is built: the client's memory has to be there then, and no longer. */
struct text body_head(const struct body *body);

/* For a copy of the handle; without memory it has no body. */
void body_copy(const struct body *body, struct body *ret_copy);
void body_clear(struct body *body);
