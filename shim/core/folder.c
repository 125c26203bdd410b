// SPDX-License-Identifier: MIT
/* Folders for the socket, the state and the key. */
#include "core/folder.h"

#include <sys/stat.h>

#include "lib/limits.h"
#include "core/variables.h"

bool folder_of_state(struct buf *path)
{
	const char *state = variable_get_named("XDG_STATE_HOME");
	const char *home = variable_get_named("HOME");

	if (state && state[0] == '/') {
		buf_add(path, text_of(state));
	} else if (home && home[0] == '/') {
		buf_add(path, text_of(home));
		buf_add(path, TEXT("/.local/state"));
	} else {
		return false;
	}
	buf_add(path, TEXT("/tagalong"));
	return !path->full;
}

void folder_make(const char *path)
{
	char memory[PATH_BYTES_MAX];
	struct text text = text_of(path);
	struct buf part;

	buf_init(&part, memory, sizeof(memory));
	for (size_t i = 0; i < text.len; i++) {
		if (i && text.ptr[i] == '/')
			mkdir(part.data, 0700);
		buf_char(&part, text.ptr[i]);
	}
	if (!part.full)
		mkdir(part.data, 0700);
}
