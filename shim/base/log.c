// SPDX-License-Identifier: MIT
/* Debug lines. The file is opened for each line and closed again: no descriptor of ours stays open
 * in the host, and a host that closes all descriptors loses nothing. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
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
		written = write(STDERR_FILENO, line.data, line.len);
	} else {
		fd = fd_open(AT_FDCWD, place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
		written = fd < 0 ? -1 : write(fd, line.data, line.len);
		fd_close(fd);
	}
	(void)written; /* there is nobody to tell */
	errno = saved;
}
