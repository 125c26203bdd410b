/* SPDX-License-Identifier: MIT */
/* Header value templates: literal text and placeholders.
 *   {task_id}                        a value
 *   {conversation_id|session_id}     the first that has one
 *   {environment|'dev'}              a literal as the last resort
 *   {env:NAME} {body:/json/pointer}  a prefix, for whoever looks it up
 * "{{" and "}}" are literal braces. There is no nesting. */
#pragma once

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/text.h"

/* Finds the value of a placeholder's name, as written between "{" or "|" and "|" or "}".
 * False when it has none; an empty value is none. The value has to live until the call of
 * template_expand returns, that of template_value for as long as the caller needs it. */
typedef bool template_lookup(void *arg, struct text name, struct text *ret_value);

/* Appends the expanded template. 0; -ENODATA when a placeholder has no value (nothing is appended);
 * -EINVAL when the template is malformed; -E2BIG when the buffer is full. */
int template_expand(struct text tmpl, template_lookup *lookup, void *arg, struct buf *ret_value);

/* The value of a template that is one placeholder and nothing else: borrowed, not copied, for lists
 * of tags, which are long. 0; -ENODATA when it has none; -EINVAL for any other template. */
int template_value(struct text tmpl, template_lookup *lookup, void *arg, struct text *ret_value);

struct template_error {
	size_t offset; /* bytes into the template */
	const char *reason;
};

/* True when `name` may stand in a placeholder. */
typedef bool template_name_check(void *arg, struct text name);

/* 0, or -EINVAL with *ret_error filled: for presets at build time and configurations. */
int template_check(struct text tmpl, template_name_check *exists, void *arg,
		   struct template_error *ret_error);
