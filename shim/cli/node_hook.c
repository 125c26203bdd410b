// SPDX-License-Identifier: MIT
/* How Node programs come to load our file. scripts/tagalong-run does the same in sh. */
#include "cli/node_hook.h"

#include <string.h>

#include "core/variables.h"
#include "cli/library_path.h"

#define FILE_NAME "node/tagalong.cjs"

bool node_hook(struct buf *ret_path)
{
	struct text rest = text_of(variable_get(VARIABLE_HOOKS)), word;
	bool open = !rest.len;

	while (text_next(&rest, ',', &word))
		open = open || text_eq(text_trim(word), TEXT("node"));
	/* Node ends with an error when the file cannot be loaded: so it is looked for now. Words of
	 * NODE_OPTIONS may be quoted, but other tools read it as well, and not all of them know. */
	return open && !hook_path(FILE_NAME, ret_path) && !strpbrk(ret_path->data, " \"\\");
}

void node_options(const char *existing, struct text path, struct buf *ret_value)
{
	struct text before = text_of(existing);

	buf_add(ret_value, before);
	if (existing && strstr(existing, "/" FILE_NAME))
		return;
	if (before.len)
		buf_char(ret_value, ' ');
	buf_add(ret_value, TEXT("--require "));
	buf_add(ret_value, path);
}
