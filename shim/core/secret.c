// SPDX-License-Identifier: MIT
/*
 * A key for each user, not one that is built in: without it nobody can try whether an id belongs to
 * a text that he guesses. It is never replaced, because then all conversations would get new ids.
 */
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fdio.h"
#include "core/folder.h"
#include "lib/forkwipe.h"
#include "lib/limits.h"
#include "lib/random.h"

/* Hexadecimal digits and an LF. */
#define FILE_BYTES (2 * SECRET_BYTES + 1)

struct known {
	pthread_mutex_t lock;
	bool have;
	uint8_t key[SECRET_BYTES];
};

static struct forkwipe known_page;

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
			status.st_uid != geteuid()))
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
	if (write(fd, text.data, text.len) != (ssize_t)text.len || fsync(fd) < 0)
		result = -EIO;
	fd_close(fd);
	return result;
}

/* Under a name of its own first, and then linked: of two processes that do so at once one wins, and
 * both read a whole key. */
static int make_key(const char *path)
{
	char memory[PATH_BYTES_MAX];
	struct buf own;
	int result;

	buf_init(&own, memory, sizeof(memory));
	buf_add(&own, text_of(path));
	buf_char(&own, '.');
	buf_number(&own, (uint64_t)getpid());
	buf_char(&own, '.');
	buf_number(&own, (uint64_t)syscall(SYS_gettid));
	if (own.full)
		return -ENAMETOOLONG;
	result = write_key(memory);
	if (!result && link(memory, path) < 0 && errno != EEXIST)
		result = -errno;
	unlink(memory);
	return result;
}

static int find_key(uint8_t ret_key[SECRET_BYTES])
{
	char memory[PATH_BYTES_MAX];
	struct buf path;
	int result;

	buf_init(&path, memory, sizeof(memory));
	if (!folder_of_state(&path))
		return -ENOENT;
	folder_make(memory);
	buf_add(&path, TEXT("/conversation.key"));
	if (path.full)
		return -ENAMETOOLONG;
	result = read_key(memory, ret_key);
	if (result != -ENOENT)
		return result;
	result = make_key(memory);
	return result ? result : read_key(memory, ret_key);
}

int secret_get(uint8_t ret_key[SECRET_BYTES])
{
	struct known *known = forkwipe_get(&known_page);
	int saved = errno, result = 0;
	bool have;

	if (!known)
		return -ENOMEM;
	pthread_mutex_lock(&known->lock);
	have = known->have;
	memcpy(ret_key, known->key, SECRET_BYTES);
	pthread_mutex_unlock(&known->lock);
	if (!have)
		result = find_key(ret_key);
	if (!have && !result) {
		pthread_mutex_lock(&known->lock);
		memcpy(known->key, ret_key, SECRET_BYTES);
		known->have = true;
		pthread_mutex_unlock(&known->lock);
	}
	errno = saved;
	return result;
}
