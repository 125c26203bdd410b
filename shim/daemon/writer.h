/* SPDX-License-Identifier: MIT */
/* One file, written by a thread of its own: a slow disk delays nobody who only asks. */
#ifndef TAGALONG_DAEMON_WRITER_H
#define TAGALONG_DAEMON_WRITER_H

#include <stdbool.h>
#include <stddef.h>

struct writer;

/* What is to be done with some bytes, and how that went. */
struct writer_job {
	char *bytes; /* malloc'ed, and then the writer's */
	size_t len;
	bool whole; /* the file is replaced by them, else they are appended */
};

/*
 * Starts the thread. `folder_fd` and `name` say which file; it is opened by the first whole job,
 * and before that appending fails. 0 or a negative errno. *ret_event_fd becomes readable after each
 * job; it belongs to the writer.
 */
int writer_start(int folder_fd, const char *name, struct writer **ret_writer, int *ret_event_fd);

/* Hands over a job; only one at a time. */
void writer_submit(struct writer *writer, struct writer_job job);
/* The outcome of the job that the event told of: 0 when it is on the disk, or a negative errno:
 * then the file is as before. -EAGAIN when it is not done yet. */
int writer_collect(struct writer *writer);
/* Waits for a job that is under way, ends the thread and frees all. NULL is none. */
void writer_stop(struct writer *writer);

#endif
