// SPDX-License-Identifier: MIT
/* Debug lines. The file is opened for each line and closed again: no descriptor of ours stays open
 * in the host, and a host that closes all descriptors loses nothing. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/limits.h"
#include "base/variables.h"

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
		fd = fd_open(AT_FDCWD, place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
		written = fd < 0 ? -1 : write(fd, line.data, line.len);
		fd_close(fd);
	}
	(void)written; /* there is nobody to tell */
	errno = saved;
}
