/* SPDX-License-Identifier: MIT */
/* The project of a folder, by Kilo's rule: the name of the git origin repository. */
#pragma once

#include "lib/buf.h"

/* Appends the last path part of the url of remote "origin", without ".git", its last
 * PROJECT_ID_BYTES_MAX bytes, as Kilo does. `path` is searched for .git, then its parents;
 * worktrees and submodules are followed to the repository that they belong to. git is not run,
 * nothing is written. 0, or a negative errno: -ENOENT when there is no repository or no origin. */
int project_of_folder(const char *path, struct buf *ret_id);

/* The same for the working directory, believed for PROJECT_ID_FRESH_MS while that stays the same
 * folder. -ETIMEDOUT where looking may hang: on a network's file system nothing is looked at.
 * Thread-safe. */
int project_of_process(struct buf *ret_id);

/* For people, why a repository that may be there gives no project; NULL where there is none. */
const char *project_error_text(int result);

/* The url of `[remote "origin"]` in the text of a git configuration. False when there is none.
 * *ret_url points into `memory`, which takes the unquoted value. */
bool git_config_origin(struct text config, struct buf *memory, struct text *ret_url);

/* The repository's name in a remote url: path, scp-like or with a scheme. Never a part of the user
 * and password, nor of a query. Empty when it has no name. */
struct text git_url_name(struct text url);
