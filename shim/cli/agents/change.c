// SPDX-License-Identifier: MIT
/* One change of one file of an agent's. */
#include "cli/agents/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agents/diff.h"
#include "core/folder.h"
#include "core/variables.h"
#include "cli/command.h"
#include "cli/file.h"

static bool add_config_folder(struct buf *path, const struct agent *agent)
{
	const char *named = agent->variable ? variable_get_named(agent->variable) : NULL;
	const char *home = variable_get_named("HOME");

	if (named && named[0] == '/') {
		buf_add(path, text_of(named));
	} else if (home && home[0] == '/') {
		buf_add(path, text_of(home));
		buf_char(path, '/');
		buf_add(path, text_of(agent->home));
	} else {
		return false;
	}
	buf_add(path, text_of(agent->below));
	return true;
}

int change_locate(const struct agent *agent, struct change *change)
{
	struct buf path;
	size_t folder;

	*change = (struct change){ .before = NULL };
	buf_init(&path, change->path, sizeof(change->path));
	if (!add_config_folder(&path, agent))
		return -ENOENT;
	buf_char(&path, '/');
	folder = path.len;
	for (int i = 0; i < 2; i++) {
		const char *name = agent->own ? agent->own : agent->files[i];

		if (!name)
			break;
		buf_cut(&path, folder);
		buf_add(&path, text_of(name));
		if (!path.full && !access(path.data, F_OK))
			break;
	}
	return path.full ? -ENAMETOOLONG : 0;
}

int change_load(struct change *change)
{
	int result = file_load(change->path, &change->before, &change->before_len);

	return result == -ENOENT ? 0 : result;
}

bool change_splice(struct change *change, size_t at, size_t out, struct text in)
{
	change->after_len = change->before_len - out + in.len;
	change->after = malloc(change->after_len + 1);
	if (!change->after)
		return false;
	memcpy(change->after, change->before, at);
	if (in.len)
		memcpy(change->after + at, in.ptr, in.len);
	memcpy(change->after + at + in.len, change->before + at + out,
	       change->before_len - at - out);
	change->after[change->after_len] = '\0';
	return true;
}

void change_show(const struct change *change)
{
	diff_print(change->path, (struct text){ change->before, change->before_len },
		   (struct text){ change->after, change->after_len });
}

int change_apply(const struct change *change)
{
	char folder[PATH_BYTES_MAX];
	int result;

	if (!change->after) {
		result = unlink(change->path) < 0 ? -errno : 0;
	} else {
		snprintf(folder, sizeof(folder), "%s", change->path);
		*strrchr(folder, '/') = '\0';
		folder_make(folder);
		result = file_replace(change->path,
				      (struct text){ change->after, change->after_len });
	}
	if (result)
		report_error("cannot write %s: %s", change->path, strerror(-result));
	return result ? EXIT_TROUBLE : EXIT_OK;
}

void change_release(struct change *change)
{
	free(change->before);
	free(change->after);
}
