// SPDX-License-Identifier: MIT
/* Read line by line. Strings of several lines are refused: without them nothing but a table begins
 * with the words that are looked for. */
#include "cli/agents/toml.h"

#include <errno.h>
#include <string.h>

/* What stands before the first of these, without blanks. */
static struct text part_before(struct text line, const char *ends)
{
	for (size_t i = 0; i < line.len; i++) {
		if (strchr(ends, line.ptr[i]))
			return text_trim((struct text){ line.ptr, i });
	}
	return text_trim(line);
}

/* relay of "relay" or 'relay', and of a bare key. */
static struct text unquoted(struct text text)
{
	if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
	    text.ptr[text.len - 1] == text.ptr[0])
		return (struct text){ text.ptr + 1, text.len - 2 };
	return text;
}

/* Of a line [model_providers.NAME]: NAME. Empty: it is another one. */
static struct text provider_of(struct text line)
{
	struct text prefix = TEXT("[model_providers.");

	if (!text_starts_with(line, prefix))
		return TEXT("");
	return unquoted(part_before(text_from(line, prefix.len), "]"));
}

int toml_place(struct text text, struct text key, size_t *ret_at, const char **ret_reason)
{
	struct text rest = text, line, wanted = TEXT("");
	bool in_table = false;

	*ret_reason = "it has strings of several lines, which are not read";
	if (memmem(text.ptr, text.len, "\"\"\"", 3) || memmem(text.ptr, text.len, "'''", 3))
		return -ENOENT;
	*ret_reason = "it has such headers already";
	if (memmem(text.ptr, text.len, key.ptr, key.len))
		return -ENOENT;
	*ret_reason = "it names no model_provider";
	while (text_next(&rest, '\n', &line)) {
		size_t end = (size_t)(line.ptr + line.len - text.ptr);

		line = text_trim(line);
		in_table = in_table || text_starts_with(line, TEXT("["));
		if (!in_table && text_eq(part_before(line, "="), TEXT("model_provider"))) {
			wanted = text_from(line, (size_t)text_find(line, '=') + 1);
			wanted = unquoted(part_before(wanted, "#"));
			*ret_reason = "it has no table for its model_provider";
		}
		if (wanted.len && text_eq(provider_of(line), wanted)) {
			*ret_at = end < text.len ? end + 1 : end;
			return 0;
		}
	}
	return -ENOENT;
}
