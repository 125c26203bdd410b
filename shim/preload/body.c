// SPDX-License-Identifier: MIT
/* Following the options that say what a request's body is. */
#include "preload/body.h"

#include <stdlib.h>
#include <string.h>

#include "core/request.h"
#include "lib/limits.h"

void body_clear(struct body *body)
{
	free(body->copy);
	*body = (struct body){ .data = NULL };
}

/* How much of memory that the client gave is its body, and is looked at. */
static size_t head_bytes(const struct body *body, const char *data)
{
	curl_off_t size = body->size_plus_one - 1;

	if (size < 0) {
		const char *end = memchr(data, '\0', BODY_HEAD_BYTES);

		return end ? (size_t)(end - data) : BODY_HEAD_BYTES;
	}
	return size < BODY_HEAD_BYTES ? (size_t)size : BODY_HEAD_BYTES;
}

/* The client may free its memory at once, so the head is copied, as libcurl copies the whole. */
static void copy_head(struct body *body, const char *data)
{
	size_t bytes;

	if (!data || !tag_wants_body())
		return;
	bytes = head_bytes(body, data);
	body->copy = malloc(bytes + 1);
	if (!body->copy)
		return;
	memcpy(body->copy, data, bytes);
	body->copy_bytes = bytes;
	body->data = body->copy;
}

static void set_data(struct body *body, const char *data, bool copied)
{
	free(body->copy);
	body->copy = NULL;
	body->data = copied ? NULL : data;
	if (copied)
		copy_head(body, data);
}

void body_size(struct body *body, curl_off_t bytes)
{
	curl_off_t size_plus_one = bytes < 0 ? 0 : bytes + 1;

	/* libcurl then drops its copy as too short, and so has nothing to send. */
	if (body->copy && body->size_plus_one < size_plus_one)
		set_data(body, NULL, false);
	body->size_plus_one = size_plus_one;
}

void body_option(struct body *body, CURLoption option, const void *argument)
{
	switch ((int)option) {
	case CURLOPT_POSTFIELDS:
	case CURLOPT_COPYPOSTFIELDS:
		set_data(body, argument, (int)option == CURLOPT_COPYPOSTFIELDS);
		break;
	case CURLOPT_POSTFIELDSIZE:
	case CURLOPT_POSTFIELDSIZE_LARGE:
		body_size(body, (curl_off_t)(intptr_t)argument);
		break;
	case CURLOPT_POST:
		/* 0 makes it a GET, and libcurl looks at the body no more. */
		if (!argument)
			set_data(body, NULL, false);
		break;
	case CURLOPT_UPLOAD:
	case 54: /* CURLOPT_PUT */
		/* 1 sends something else, 0 makes it a GET. */
		set_data(body, NULL, false);
		break;
	case CURLOPT_HTTPGET:
	case CURLOPT_NOBODY:
		/* Something else is sent from now on, or nothing, and the client may free the
		 * memory of the body that it has set. */
		if (argument)
			set_data(body, NULL, false);
		break;
	default:
		set_data(body, NULL, false);
	}
}

struct text body_head(const struct body *body)
{
	size_t bytes;

	if (!body->data)
		return (struct text){ NULL, 0 };
	if (!body->copy)
		return (struct text){ body->data, head_bytes(body, body->data) };
	bytes = body->copy_bytes;
	if (body->size_plus_one && (uint64_t)(body->size_plus_one - 1) < bytes)
		bytes = (size_t)(body->size_plus_one - 1);
	return (struct text){ body->copy, bytes };
}

void body_copy(const struct body *body, struct body *ret_copy)
{
	*ret_copy = *body;
	if (!body->copy)
		return;
	ret_copy->copy = malloc(body->copy_bytes + 1);
	ret_copy->data = ret_copy->copy;
	if (ret_copy->copy)
		memcpy(ret_copy->copy, body->copy, body->copy_bytes);
}
