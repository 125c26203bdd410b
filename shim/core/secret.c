// SPDX-License-Identifier: MIT
/* The user's own key for derived ids: whoever does not have it cannot test whether an id belongs to
 * a text that he guesses. It is never replaced, because all conversations would get new ids. */
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fdio.h"
#include "core/folder.h"
#include "lib/forkwipe.h"
#include "lib/limits.h"
#include "lib/random.h"
#include "lib/system.h"

/* Hexadecimal digits and an LF. */
#define FILE_BYTES (2 * SECRET_BYTES + 1)

static struct forkwipe cache_page;

/* On the heap: a host's stack may be small. */
struct paths {
	char key[PATH_BYTES_MAX], own[PATH_BYTES_MAX];
};

static int parse(const char text[FILE_BYTES], uint8_t ret_key[SECRET_BYTES])
{
	for (size_t i = 0; i < SECRET_BYTES; i++) {
		int high = ascii_hex_value(text[2 * i]), low = ascii_hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		ret_key[i] = (uint8_t)(high << 4 | low);
	}
	return text[FILE_BYTES - 1] == '\n' ? 0 : -EBADMSG;
}

static int read_key(const char *path, uint8_t ret_key[SECRET_BYTES])
{
	char memory[FILE_BYTES + 1];
	struct stat status;
	int fd, result;
	struct buf text;

	buf_init(&text, memory, sizeof(memory));
	fd = fd_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ELOOP ? -EPERM : fd;
	result = fd_status(fd, &status);
	if (!result && (!S_ISREG(status.st_mode) || (status.st_mode & 077) ||
			status.st_uid != system_geteuid()))
		result = -EPERM;
	if (!result && (fd_read(fd, &text) || text.len != FILE_BYTES))
		result = -EBADMSG;
	fd_close(fd);
	return result ? result : parse(memory, ret_key);
}

static int write_key(const char *path)
{
	char memory[FILE_BYTES + 1];
	uint8_t key[SECRET_BYTES];
	struct buf text;
	int fd, result;

	result = random_fill(key, sizeof(key));
	if (result)
		return result;
	buf_init(&text, memory, sizeof(memory));
	buf_hex(&text, key, sizeof(key));
	buf_char(&text, '\n');
	fd = fd_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	result = fd_write(fd, buf_since(&text, 0));
	if (!result && fd_sync(fd))
		result = -EIO;
	fd_close(fd);
	return result;
}

/* Under a name of its own first, and then linked: of two processes that do so at once one wins,
 * and both read a whole key. */
static int make_key(struct paths *paths)
{
	struct buf own;
	int result;

	buf_init(&own, paths->own, sizeof(paths->own));
	buf_add(&own, text_of(paths->key));
	buf_char(&own, '.');
	buf_number(&own, (uint64_t)system_getpid());
	buf_char(&own, '.');
	buf_number(&own, (uint64_t)syscall(SYS_gettid));
	if (own.full)
		return -ENAMETOOLONG;
	result = write_key(paths->own);
	if (!result && system_link(paths->own, paths->key) < 0 && errno != EEXIST)
		result = -errno;
	system_unlink(paths->own);
	return result;
}

static int find_key(struct paths *paths, uint8_t ret_key[SECRET_BYTES])
{
	struct buf path;
	int result;

	buf_init(&path, paths->key, sizeof(paths->key));
	if (!folder_of_state(&path))
		return -ENOENT;
	if (folder_may_hang(NULL, paths->key))
		return -ETIMEDOUT;
	buf_add(&path, TEXT("/conversation.key"));
	if (path.full)
		return -ENAMETOOLONG;
	result = read_key(paths->key, ret_key);
	if (result != -ENOENT)
		return result;
	buf_cut(&path, path.len - TEXT("/conversation.key").len);
	folder_make(paths->key, 0700);
	buf_add(&path, TEXT("/conversation.key"));
	result = make_key(paths);
	return result ? result : read_key(paths->key, ret_key);
}

int secret_get(uint8_t ret_key[SECRET_BYTES])
{
	struct once *cached = forkwipe_get(&cache_page);
	int saved = errno, result;
	struct paths *paths;

	if (!cached)
		return -ENOMEM;
	if (once_get(cached, ret_key))
		return 0;
	paths = malloc(sizeof(*paths));
	result = paths ? find_key(paths, ret_key) : -ENOMEM;
	free(paths);
	if (!result)
		once_set(cached, ret_key);
	errno = saved;
	return result;
}
