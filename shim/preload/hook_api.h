/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* For hooks that are in the library itself: tagalong_headers, without a symbol that is to be bound. */
int hook_headers(const char *method, const char *url, const char *head, const char *body,
		 size_t body_bytes, char *ret_lines, size_t size);

/* Builds the header lines for a request that is about to be sent, "Name: value\n" each, into
 * ret_lines of `size` bytes. `head` has the program's own lines in the same form, `body` the
 * request's body or the first bytes of it, NULL where it is not known. Returns the number of
 * bytes written: 0 when nothing is to be added; -1 when the configuration requires a field that
 * has no value. Thread-safe; keeps errno. */
__attribute__((visibility("default"))) int tagalong_headers(const char *method, const char *url,
							    const char *head, const char *body,
							    size_t body_bytes, char *ret_lines,
							    size_t size);
