/* SPDX-License-Identifier: MIT */
/* How programs of other runtimes come to load our hooks: a variable that their runtime reads.
 * scripts/tagalong-run does the same in sh. */
#ifndef TAGALONG_CLI_RUNTIME_HOOK_H
#define TAGALONG_CLI_RUNTIME_HOOK_H

#include "lib/buf.h"

enum runtime_hook { RUNTIME_NODE, RUNTIME_PYTHON, RUNTIME_HOOKS };

/* Whether TAGALONG_HOOKS lets the hook in, and its file is there; the path that the variable is to name
 * is appended then. */
bool runtime_hook(enum runtime_hook hook, struct buf *ret_path);

const char *runtime_hook_variable(enum runtime_hook hook);

/* Appends the variable's value: what was there (may be NULL) and the path; only what was there when
 * the hook is in it already. */
void runtime_hook_value(enum runtime_hook hook, const char *existing, struct text path,
			struct buf *ret_value);

#endif
