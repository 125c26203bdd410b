/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_CLI_NODE_HOOK_H
#define TAGALONG_CLI_NODE_HOOK_H

#include "lib/buf.h"

/* Whether the door into Node programs is open, and the file that is loaded into them is there; its
 * path is appended then. */
bool node_hook(struct buf *ret_path);

/* Appends the value for NODE_OPTIONS: what was there (may be NULL), then --require and the path;
 * only what was there when it has a door in it already. */
void node_options(const char *existing, struct text path, struct buf *ret_value);

#endif
