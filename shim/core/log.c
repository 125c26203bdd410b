// SPDX-License-Identifier: MIT
/* Debug lines. The file is opened for each line and closed again: no descriptor of ours stays open
 * in the host, and a host that closes all descriptors loses nothing. */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fdio.h"
#include "lib/limits.h"
#include "core/variables.h"
#include "lib/system.h"

static const char *destination(void)
{
	const char *value = variable_get(VARIABLE_DEBUG);

	if (!value || (strcmp(value, "stderr") && value[0] != '/'))
		return NULL;
	return value;
}

bool log_wanted(void)
{
	return destination() != NULL;
}

/* A host that was started without one may have a connection there by now. */
static bool is_connection(int fd)
{
	int domain = AF_UNSPEC;
	socklen_t size = sizeof(domain);

	return !system_getsockopt(fd, SO_DOMAIN, &domain, &size) && domain != AF_UNIX;
}

/* A file of this user's alone, which is made where there is none. A pipe or a device is for
 * others. */
static int open_append(const char *path, struct stat *ret_status)
{
	int fd = fd_open(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);

	if (fd >= 0 && (fd_status(fd, ret_status) || !S_ISREG(ret_status->st_mode) ||
			ret_status->st_uid != system_geteuid() || (ret_status->st_mode & 002))) {
		fd_close(fd);
		return -EPERM;
	}
	return fd;
}

/* Keeps a distance of some lines to RLIMIT_FSIZE, because others append at the same time: so no
 * line is cut. */
static bool may_grow(const struct stat *status)
{
	uint64_t limit;

	return !system_file_limit(&limit) &&
	       (limit == UINT64_MAX ||
		(uint64_t)status->st_size + 65 * LOG_ENTRY_BYTES_MAX <= limit);
}

static void add_printable(struct buf *buf, struct text part)
{
	for (size_t i = 0; i < part.len; i++)
		buf_char(buf, part.ptr[i] < ' ' || part.ptr[i] > '~' ? '?' : part.ptr[i]);
}

void log_parts(const struct text *parts, size_t count)
{
	const char *place = destination();
	int saved = errno, fd = STDERR_FILENO;
	struct stat status;
	struct buf line;
	char *memory;

	if (!place)
		return;
	memory = malloc(LOG_LINE_BYTES_MAX); /* a host's stack may be small */
	if (!memory)
		return;
	/* One byte is kept back for the newline of a line that fills the buffer. */
	buf_init(&line, memory, LOG_LINE_BYTES_MAX - 1);
	buf_add(&line, TEXT("tagalong["));
	buf_number(&line, (uint64_t)system_getpid());
	buf_add(&line, TEXT("]: "));
	for (size_t i = 0; i < count; i++)
		add_printable(&line, parts[i]);
	line.data[line.len++] = '\n';
	if (strcmp(place, "stderr"))
		fd = open_append(place, &status);
	else if (is_connection(fd))
		fd = -1;
	if (fd >= 0)
		fd_write(fd, buf_since(&line, 0));
	if (fd != STDERR_FILENO)
		fd_close(fd);
	free(memory);
	errno = saved;
}

void log_append(const char *path, struct text line)
{
	struct stat status;
	int saved = errno, fd = open_append(path, &status);

	if (fd >= 0 && (uint64_t)status.st_size + line.len <= LOG_FILE_BYTES_MAX &&
	    may_grow(&status))
		fd_write(fd, line);
	fd_close(fd);
	errno = saved;
}
