// SPDX-License-Identifier: MIT
/* Reading the state. Line by line, so that a large file costs time and no memory. */
#include "daemon/store_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fdio.h"
#include "core/folder.h"
#include "daemon/notice.h"
#include "daemon/store_row.h"
#include "protocol/frame.h"

int store_folder_open(const char *path)
{
	int fd;

	folder_make(path);
	fd = fd_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	/* The lock ends with the process, however it ends. Where folders cannot be locked (NFS),
	 * the lock of the socket has to do. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		fd_close(fd);
		return -EBUSY;
	}
	return fd;
}

struct reading {
	const struct store_owner *owner;
	struct text boot_id;
	bool same_boot;
	bool skipping; /* the rest of a line that was too long */
	size_t lines, damaged; /* the number of the first that cannot be read; 0: none */
};

static void take_line(struct reading *reading, char *line, size_t len)
{
	struct text boot_id;
	struct store_row row;
	bool good;

	if (!reading->lines++) {
		good = store_head_read(line, len, &boot_id);
		reading->same_boot = good && text_eq(boot_id, reading->boot_id);
	} else {
		good = store_row_read(line, len, &row);
		if (good)
			reading->owner->on_row(reading->owner->arg, &row, reading->same_boot);
	}
	if (!good && !reading->damaged)
		reading->damaged = reading->lines;
}

static void take_lines(struct reading *reading, struct frame *frame)
{
	size_t len;
	char *line;
	int result;

	while ((result = frame_next(frame, &line, &len)) > 0) {
		if (!reading->skipping)
			take_line(reading, line, len);
		reading->skipping = false;
	}
	if (!result)
		return;
	/* Longer than any row: a hole that a power cut left, or not our file. */
	if (!reading->skipping)
		take_line(reading, frame->memory, 0);
	reading->skipping = true;
	frame_init(frame, frame->memory, frame->size, 0);
}

static int read_lines(int fd, struct reading *reading)
{
	char memory[FRAME_BYTES];
	struct stat status;
	struct frame frame;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	frame_init(&frame, memory, sizeof(memory), 0);
	for (;;) {
		size_t room;
		char *space = frame_space(&frame, &room);
		ssize_t got = read(fd, space, room);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : 0;
		frame_added(&frame, (size_t)got);
		take_lines(reading, &frame);
	}
}

static void move_aside(int folder_fd, const char *path, const char *why)
{
	char name[64];
	int result;

	snprintf(name, sizeof(name), STORE_FILE ".damaged-%lld", (long long)time(NULL));
	result = renameat(folder_fd, STORE_FILE, folder_fd, name);
	notice_warning("%s/%s: %s; what can be read of it is taken over, the file is kept as %s",
		       path, STORE_FILE, why, result < 0 ? STORE_FILE : name);
}

void store_load(int folder_fd, const char *path, struct text boot_id,
		const struct store_owner *owner)
{
	struct reading reading = { .owner = owner, .boot_id = boot_id };
	char why[64];
	int fd, result;

	fd = fd_open(folder_fd, STORE_FILE, O_RDONLY | O_NOFOLLOW, 0);
	if (fd == -ENOENT)
		return;
	result = fd < 0 ? fd : read_lines(fd, &reading);
	fd_close(fd);
	if (result) {
		move_aside(folder_fd, path, strerror(-result));
	} else if (reading.damaged) {
		snprintf(why, sizeof(why), "line %zu cannot be read", reading.damaged);
		move_aside(folder_fd, path, why);
	}
}
