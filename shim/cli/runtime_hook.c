// SPDX-License-Identifier: MIT
/* How programs of other runtimes come to load our hooks. Values of the host's stay in place. */
#include "cli/runtime_hook.h"

#include <string.h>

#include "cli/library_path.h"
#include "core/variables.h"

static const struct {
	const char *name; /* in TAGALONG_HOOKS */
	const char *file; /* in hooks/ */
	const char *variable;
	const char *forbidden; /* what a path in the variable cannot have */
} hooks[RUNTIME_HOOKS] = {
	/* Words of NODE_OPTIONS may be quoted, but other tools read it as well, and not all know. */
	[RUNTIME_NODE] = { "node", "node/tagalong.cjs", "NODE_OPTIONS", " \"\\" },
	[RUNTIME_PYTHON] = { "python", "python/sitecustomize.py", "PYTHONPATH", ":" },
};

bool runtime_hook(enum runtime_hook hook, struct buf *ret_path)
{
	struct text rest = text_of(variable_get(VARIABLE_HOOKS)), word;
	bool wanted = !rest.len;

	while (text_next(&rest, ',', &word))
		wanted = wanted || text_eq(text_trim(word), text_of(hooks[hook].name));
	/* Node ends with an error when the file cannot be loaded: so it is looked for now. */
	if (!wanted || hook_path(hooks[hook].file, ret_path) ||
	    strpbrk(ret_path->data, hooks[hook].forbidden))
		return false;
	if (hook == RUNTIME_PYTHON) /* it is the folder that is named */
		buf_cut(ret_path, (size_t)text_find_last(buf_since(ret_path, 0), '/'));
	return true;
}

const char *runtime_hook_variable(enum runtime_hook hook)
{
	return hooks[hook].variable;
}

static bool has_entry(struct text list, struct text path)
{
	struct text entry;

	while (text_next(&list, ':', &entry)) {
		if (text_eq(entry, path))
			return true;
	}
	return false;
}

void runtime_hook_value(enum runtime_hook hook, const char *existing, struct text path,
			struct buf *ret_value)
{
	struct text before = text_of(existing);

	switch (hook) {
	case RUNTIME_NODE:
		buf_add(ret_value, before);
		if (existing && strstr(existing, "/node/tagalong.cjs"))
			return;
		if (before.len)
			buf_char(ret_value, ' ');
		buf_add(ret_value, TEXT("--require "));
		buf_add(ret_value, path);
		break;
	case RUNTIME_PYTHON:
		/* In front, as of several sitecustomize.py the first is loaded, and ours loads the
		 * next. An empty entry would be the current folder. */
		if (!has_entry(before, path)) {
			buf_add(ret_value, path);
			if (before.len)
				buf_char(ret_value, ':');
		}
		buf_add(ret_value, before);
		break;
	case RUNTIME_HOOKS:
		break;
	}
}
