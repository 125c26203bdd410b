// SPDX-License-Identifier: MIT
/* Where the shim is, and how it joins LD_PRELOAD. scripts/tagalong-run does the same in sh. */
#include "cli/library_path.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/variables.h"

#define LIBRARY "libtagalong.so"
#define BELOW_LIB "/tagalong/" LIBRARY
#define MULTIARCH_PLACE "/lib/" TAGALONG_MULTIARCH BELOW_LIB

static bool try_place(struct buf *path, struct text folder, const char *below)
{
	buf_cut(path, 0);
	buf_add(path, folder);
	buf_add(path, text_of(below));
	return !path->full && !access(path->data, R_OK);
}

static bool find(struct buf *path)
{
	const char *named = variable_get(VARIABLE_LIB);
	char program[PATH_MAX];
	struct text folder;
	ssize_t len;

	if (named)
		return try_place(path, text_of(named), "");
	len = readlink("/proc/self/exe", program, sizeof(program));
	if (len <= 0 || (size_t)len >= sizeof(program))
		return false;
	folder = (struct text){ program, (size_t)len };
	folder.len = (size_t)text_find_last(folder, '/');
	return try_place(path, folder, "/" LIBRARY) ||
	       try_place(path, folder, "/../lib" BELOW_LIB) ||
	       (TAGALONG_MULTIARCH[0] && try_place(path, folder, "/.." MULTIARCH_PLACE)) ||
	       try_place(path, folder, "/../lib64" BELOW_LIB);
}

int library_path(struct buf *ret_path)
{
	char whole[PATH_MAX];

	if (!find(ret_path))
		return -ENOENT;
	/* A relative path would mean another file in a child that changes its folder. */
	if (!realpath(ret_path->data, whole))
		return -errno;
	buf_cut(ret_path, 0);
	buf_add(ret_path, text_of(whole));
	return strpbrk(ret_path->data, " :") ? -EINVAL : ret_path->full ? -ENAMETOOLONG : 0;
}

int library_preload(struct buf *ret_path)
{
	int result = library_path(ret_path);
	struct text path = buf_since(ret_path, 0), place = TEXT(MULTIARCH_PLACE);

	if (result || variable_get(VARIABLE_LIB) || !TAGALONG_MULTIARCH[0] ||
	    !text_ends_with(path, place))
		return result;
	buf_cut(ret_path, path.len - place.len);
	buf_add(ret_path, TEXT("/$LIB" BELOW_LIB));
	return 0; /* it is shorter than it was */
}

void library_others(const char *path, void (*on_other)(void *arg, const char *path), void *arg)
{
	struct text text = text_of(path), place = TEXT(MULTIARCH_PLACE);
	char folder[PATH_MAX], other[PATH_MAX];
	struct dirent *entry;
	DIR *lib;

	if (!TAGALONG_MULTIARCH[0] || !text_ends_with(text, place))
		return;
	snprintf(folder, sizeof(folder), "%.*s/lib", (int)(text.len - place.len), path);
	lib = opendir(folder);
	while (lib && (entry = readdir(lib))) {
		int len = snprintf(other, sizeof(other), "%s/%s" BELOW_LIB, folder, entry->d_name);

		if (strstr(entry->d_name, "-linux-") && strcmp(entry->d_name, TAGALONG_MULTIARCH) &&
		    len < (int)sizeof(other) && !access(other, R_OK))
			on_other(arg, other);
	}
	if (lib)
		closedir(lib);
}

int hook_path(const char *name, struct buf *ret_path)
{
	char whole[PATH_MAX];

	if (!find(ret_path))
		return -ENOENT;
	buf_cut(ret_path, (size_t)(text_find_last(buf_since(ret_path, 0), '/') + 1));
	buf_add(ret_path, TEXT("hooks/"));
	buf_add(ret_path, text_of(name));
	if (ret_path->full || !realpath(ret_path->data, whole))
		return -ENOENT;
	buf_cut(ret_path, 0);
	buf_add(ret_path, text_of(whole));
	return ret_path->full ? -ENAMETOOLONG : 0;
}

static bool names_library(struct text list)
{
	while (list.len) {
		size_t end = 0;
		struct text entry;

		while (end < list.len && list.ptr[end] != ' ' && list.ptr[end] != ':')
			end++;
		entry = (struct text){ list.ptr, end };
		if (text_eq(entry, TEXT(LIBRARY)) || text_ends_with(entry, TEXT("/" LIBRARY)))
			return true;
		list = text_from(list, end + 1);
	}
	return false;
}

void preload_value(const char *existing, struct text library, struct buf *ret_value)
{
	struct text before = text_of(existing);

	buf_add(ret_value, before);
	if (names_library(before))
		return;
	if (before.len)
		buf_char(ret_value, ':');
	buf_add(ret_value, library);
}
