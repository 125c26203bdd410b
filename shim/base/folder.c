// SPDX-License-Identifier: MIT
/* Folders for the socket, the state and the key. */
#include "base/folder.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/limits.h"

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
