/* SPDX-License-Identifier: MIT */
/* Editing a JSON file that belongs to somebody: one element goes into an array or out of it, and no
 * other byte is touched. Comments and trailing commas are read unless `strict`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/text.h"

#define JSONC_PATH_MAX 2

/* The array that is meant, by the keys that lead to it, and the element as it is written. */
struct jsonc_target {
	const char *path[JSONC_PATH_MAX];
	size_t path_len;
	const char *element;
	bool strict;
};

/* Bytes of a text. */
struct jsonc_span {
	size_t start, len;
};

/* What is wrong with a text, and at which byte. */
struct jsonc_error {
	const char *reason;
	size_t at;
};

/* Whether the element is there, and where: with the comma that goes with it. -EINVAL, and an error,
 * when the text is no such JSON; -ENOENT when the element is not in it. */
int jsonc_find(struct text text, const struct jsonc_target *target, struct jsonc_span *ret_span,
	       struct jsonc_error *ret_error);

/* What to insert, and where, so that the element is the array's first: arrays and objects on the
 * way are made. *ret_insert is to be freed. -EINVAL and an error as above, also when something
 * else than that array stands in its place; -EEXIST when the element is there; -ENOMEM. */
int jsonc_insertion(struct text text, const struct jsonc_target *target, size_t *ret_at,
		    char **ret_insert, struct jsonc_error *ret_error);
