// SPDX-License-Identifier: MIT
/* Debug lines. The file is opened for each line and closed again: no descriptor of ours stays open
 * in the host, and a host that closes all descriptors loses nothing. */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fdio.h"
#include "lib/limits.h"
#include "core/variables.h"

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

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain != AF_UNIX;
}

static int open_append(const char *path)
{
	return fd_open(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
}

static void add_printable(struct buf *buf, struct text part)
{
	for (size_t i = 0; i < part.len; i++)
		buf_char(buf, part.ptr[i] < ' ' || part.ptr[i] > '~' ? '?' : part.ptr[i]);
}

void log_parts(const struct text *parts, size_t count)
{
	const char *place = destination();
	char memory[LOG_LINE_BYTES_MAX];
	int saved = errno;
	struct buf line;
	ssize_t written;
	int fd;

	if (!place)
		return;
	/* One byte is kept back for the newline of a line that fills the buffer. */
	buf_init(&line, memory, sizeof(memory) - 1);
	buf_add(&line, TEXT("tagalong["));
	buf_number(&line, (uint64_t)getpid());
	buf_add(&line, TEXT("]: "));
	for (size_t i = 0; i < count; i++)
		add_printable(&line, parts[i]);
	line.data[line.len++] = '\n';

	if (!strcmp(place, "stderr")) {
		fd = is_connection(STDERR_FILENO) ? -1 : STDERR_FILENO;
		written = write(fd, line.data, line.len);
	} else {
		fd = open_append(place);
		written = fd < 0 ? -1 : write(fd, line.data, line.len);
		fd_close(fd);
	}
	(void)written; /* there is nobody to tell */
	errno = saved;
}

/* Whether a file of this size may grow: a process that writes beyond RLIMIT_FSIZE gets a signal that
 * ends it. Others append at the same time, so some lines' room is kept from that limit. */
static bool may_grow(off_t size)
{
	struct rlimit limit;
	rlim_t after = (rlim_t)size + RECORD_BYTES_MAX;

	if (after > RECORD_FILE_BYTES_MAX || getrlimit(RLIMIT_FSIZE, &limit))
		return false;
	return limit.rlim_cur == RLIM_INFINITY || after + 64 * RECORD_BYTES_MAX <= limit.rlim_cur;
}

void log_append(const char *path, struct text line)
{
	int saved = errno, fd = open_append(path);
	ssize_t written = -1;
	struct stat status;

	/* A pipe without a reader would be a signal, too. */
	if (fd >= 0 && !fd_status(fd, &status) && S_ISREG(status.st_mode) && may_grow(status.st_size))
		written = write(fd, line.ptr, line.len);
	(void)written;
	fd_close(fd);
	errno = saved;
}
