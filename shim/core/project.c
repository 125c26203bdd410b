// SPDX-License-Identifier: MIT
/* From a folder to its repository's origin. What is read is bounded and regular, so that a hostile
 * tree (a FIFO named .git, a loop of folders, a huge file) costs the host nothing. */
#include "core/project.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/folder.h"
#include "lib/clock.h"
#include "lib/fdio.h"
#include "lib/forkwipe.h"
#include "lib/lock.h"
#include "lib/limits.h"

/* What the search needs, on the heap: a host's stack may be small. */
struct search {
	char config[GIT_CONFIG_BYTES_MAX];
	char path[PATH_BYTES_MAX]; /* grows and shrinks as one path */
	char indirect[PATH_BYTES_MAX]; /* what a .git file or a commondir file says */
	char url[PATH_BYTES_MAX];
};

/* Puts `name` behind the folder in *path; an absolute name replaces it. */
static bool path_add(struct buf *path, struct text name)
{
	if (name.len && name.ptr[0] == '/')
		buf_cut(path, 0);
	else
		buf_char(path, '/');
	buf_add(path, name);
	return !path->full;
}

/* Reads a one-line file into *ret_line (in search->indirect), without its line end. */
static int read_line(struct search *search, const char *path, struct text *ret_line)
{
	struct buf buf;
	int result;

	buf_init(&buf, search->indirect, sizeof(search->indirect));
	result = file_read(AT_FDCWD, path, &buf);
	if (result < 0)
		return result;
	while (buf.len && (buf.data[buf.len - 1] == '\n' || buf.data[buf.len - 1] == '\r'))
		buf.len--;
	*ret_line = (struct text){ buf.data, buf.len };
	return 0;
}

/* path names a .git: makes it the folder that has the repository's config. A worktree's and a
 * submodule's .git is a file ("gitdir: PATH"); a worktree's folder has a file "commondir". */
static int enter_git_folder(struct search *search, struct buf *path)
{
	struct text prefix = TEXT("gitdir: "), line;
	struct stat status;
	size_t length;
	int result;

	result = path_status(path->data, 0, &status);
	if (result < 0)
		return result;
	if (!S_ISDIR(status.st_mode)) {
		result = read_line(search, path->data, &line);
		if (result < 0)
			return result;
		if (!text_starts_with(line, prefix))
			return -EINVAL;
		buf_cut(path, (size_t)text_find_last((struct text){ path->data, path->len }, '/'));
		if (!path_add(path, text_from(line, prefix.len)))
			return -ENAMETOOLONG;
	}
	length = path->len;
	if (!path_add(path, TEXT("commondir")))
		return -ENAMETOOLONG;
	result = read_line(search, path->data, &line);
	buf_cut(path, length);
	if (!result && !path_add(path, line))
		return -ENAMETOOLONG;
	return 0;
}

static int read_origin(struct search *search, struct buf *path, struct buf *ret_id)
{
	struct buf config, memory;
	struct stat status;
	struct text url;
	int result;

	result = enter_git_folder(search, path);
	if (result < 0)
		return result;
	if (!path_add(path, TEXT("config")))
		return -ENAMETOOLONG;
	buf_init(&config, search->config, sizeof(search->config));
	/* Not even opened where it is a device: that alone can do something. */
	result = path_status(path->data, 0, &status);
	if (!result)
		result = S_ISREG(status.st_mode) ? file_read(AT_FDCWD, path->data, &config) :
						   -EINVAL;
	if (result < 0)
		return result;
	buf_init(&memory, search->url, sizeof(search->url));
	if (!git_config_origin((struct text){ config.data, config.len }, &memory, &url))
		return -ENOENT;
	url = git_url_name(url);
	if (!url.len)
		return -ENOENT;
	buf_add(ret_id, url);
	return ret_id->full ? -ENOSPC : 0;
}

static int search_upwards(struct search *search, const char *folder, struct buf *ret_id)
{
	struct buf path;

	buf_init(&path, search->path, sizeof(search->path));
	buf_add(&path, text_of(folder));
	if (path.full)
		return -ENAMETOOLONG;
	for (int level = 0; level < GIT_PARENTS_MAX; level++) {
		struct text here = { path.data, path.len };
		struct stat status;
		size_t length = path.len;

		if (!path_add(&path, TEXT(".git")))
			return -ENAMETOOLONG;
		if (!path_status(path.data, 0, &status))
			return read_origin(search, &path, ret_id);
		if (!length)
			break; /* that was the root */
		buf_cut(&path, length);
		buf_cut(&path, (size_t)text_find_last(here, '/'));
	}
	return -ENOENT;
}

int project_of_folder(const char *path, struct buf *ret_id)
{
	struct search *search;
	int result;

	if (path[0] != '/')
		return -EINVAL;
	search = malloc(sizeof(*search));
	if (!search)
		return -ENOMEM;
	/* "/" is written as the empty path, so that "/" + ".git" is right for it as well. */
	result = search_upwards(search, path[1] ? path : "", ret_id);
	free(search);
	return result;
}

const char *project_error_text(int result)
{
	switch (result) {
	case -EFBIG:
		return ".git/config has more than 64 KiB";
	case -EINVAL:
		return ".git is neither a folder nor a link to one, or its config is no file";
	case -ETIMEDOUT:
		return "the working folder is on a network's file system, which may hang";
	case -EPERM:
		return "the process has elevated privileges";
	default:
		return NULL;
	}
}

/* One answer and the folder that it is for. */
struct answer {
	struct folder_id folder;
	bool asked;
	uint64_t since_ms;
	int result;
	size_t len;
	char id[PROJECT_ID_BYTES_MAX + 1];
};

/* In memory that a forked child finds empty. */
struct last_answer {
	struct lock lock;
	struct answer answer;
};

static struct forkwipe last_page;

/* No lock is held here: the disk may be slow, and another thread's request would wait. */
static void ask(struct answer *answer)
{
	struct buf id;
	char *path = getcwd(NULL, 0);

	buf_init(&id, answer->id, sizeof(answer->id));
	/* A folder that was removed or unmounted has a path like "(unreachable)/x". */
	answer->result = path ? project_of_folder(path, &id) : -errno;
	answer->len = id.len;
	free(path);
}

int project_of_process(struct buf *ret_id)
{
	struct last_answer *last = getauxval(AT_SECURE) ? NULL : forkwipe_get(&last_page);
	struct answer answer = { .asked = false };
	struct folder_id here;
	uint64_t now_ms;
	int result;

	/* With elevated privileges the caller would decide by its folder what is sent. */
	if (!last)
		return -EPERM;
	result = folder_identify(&here);
	if (result < 0)
		return result;
	now_ms = clock_monotonic_ms();
	if (lock_take(&last->lock)) {
		answer = last->answer;
		lock_release(&last->lock);
	}
	if (!answer.asked || answer.folder.device != here.device ||
	    answer.folder.inode != here.inode ||
	    (now_ms - answer.since_ms >= PROJECT_ID_FRESH_MS && answer.result != -ETIMEDOUT)) {
		answer = (struct answer){ .folder = here, .asked = true, .since_ms = now_ms };
		if (folder_may_hang(&here, NULL))
			answer.result = -ETIMEDOUT;
		else
			ask(&answer);
		if (lock_take(&last->lock)) {
			last->answer = answer;
			lock_release(&last->lock);
		}
	}
	if (answer.result)
		return answer.result;
	buf_add(ret_id, (struct text){ answer.id, answer.len });
	return ret_id->full ? -ENOSPC : 0;
}
