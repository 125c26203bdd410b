// SPDX-License-Identifier: MIT
/*
 * The thread that writes. What it is given is either on the disk as a whole (fdatasync, or fsync
 * and rename) or not at all (a half-written end is cut off again).
 */
#include "daemon/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fdio.h"

#define NAME_BYTES 64

enum state { IDLE, GIVEN, DONE, STOPPING };

struct writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum state state; /* these three under the lock */
	struct writer_job job;
	int result;
	/* the thread's own */
	int folder_fd, file_fd, event_fd;
	char name[NAME_BYTES], new_name[NAME_BYTES];
};

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t written = write(fd, bytes, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		len -= (size_t)written;
	}
	return 0;
}

static int append(struct writer *writer, const struct writer_job *job)
{
	off_t end;
	int result;

	if (writer->file_fd < 0)
		return -EBADF;
	end = lseek(writer->file_fd, 0, SEEK_END);
	if (end < 0)
		return -errno;
	result = write_all(writer->file_fd, job->bytes, job->len);
	if (!result && fdatasync(writer->file_fd) < 0)
		result = -errno;
	if (result && ftruncate(writer->file_fd, end) < 0) {
		/* Half a line would stand before later ones: nothing more is appended. */
		fd_close(writer->file_fd);
		writer->file_fd = -1;
	}
	return result;
}

static int replace(struct writer *writer, const struct writer_job *job)
{
	int fd, result;

	fd = fd_open(writer->folder_fd, writer->new_name,
		     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	result = write_all(fd, job->bytes, job->len);
	if (!result && fsync(fd) < 0)
		result = -errno;
	if (!result && renameat(writer->folder_fd, writer->new_name, writer->folder_fd,
				writer->name) < 0)
		result = -errno;
	if (result) {
		unlinkat(writer->folder_fd, writer->new_name, 0);
		fd_close(fd);
		return result;
	}
	fd_close(writer->file_fd);
	writer->file_fd = fd;
	/* Until the folder is on the disk as well, a power cut could bring the old file back. */
	return fsync(writer->folder_fd) < 0 ? -errno : 0;
}

static void *work(void *arg)
{
	struct writer *writer = arg;
	const uint64_t one = 1;
	ssize_t told;

	pthread_setname_np(pthread_self(), "disk"); /* for ps -T */
	pthread_mutex_lock(&writer->lock);
	while (writer->state != STOPPING) {
		int result;

		if (writer->state != GIVEN) {
			pthread_cond_wait(&writer->changed, &writer->lock);
			continue;
		}
		pthread_mutex_unlock(&writer->lock);
		result = writer->job.whole ? replace(writer, &writer->job) :
					     append(writer, &writer->job);
		free(writer->job.bytes);
		pthread_mutex_lock(&writer->lock);
		writer->result = result;
		writer->state = DONE;
		pthread_cond_signal(&writer->changed);
		told = write(writer->event_fd, &one, sizeof(one));
		(void)told; /* cannot fail: the counter is read after each job */
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static int start_thread(struct writer *writer)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&writer->thread, NULL, work, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int writer_start(int folder_fd, const char *name, struct writer **ret_writer, int *ret_event_fd)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int result;

	if (!writer)
		return -ENOMEM;
	writer->file_fd = -1;
	writer->folder_fd = folder_fd;
	snprintf(writer->name, sizeof(writer->name), "%s", name);
	snprintf(writer->new_name, sizeof(writer->new_name), "%s.new", name);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
	writer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = writer->event_fd < 0 ? -errno : start_thread(writer);
	if (result) {
		fd_close(writer->event_fd);
		free(writer);
		return result;
	}
	*ret_writer = writer;
	*ret_event_fd = writer->event_fd;
	return 0;
}

void writer_submit(struct writer *writer, struct writer_job job)
{
	pthread_mutex_lock(&writer->lock);
	writer->job = job;
	writer->state = GIVEN;
	pthread_cond_signal(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
}

int writer_collect(struct writer *writer)
{
	int result = -EAGAIN;
	uint64_t count;
	ssize_t got;

	got = read(writer->event_fd, &count, sizeof(count));
	(void)got; /* only to make it unreadable */
	pthread_mutex_lock(&writer->lock);
	if (writer->state == DONE) {
		writer->state = IDLE;
		result = writer->result;
	}
	pthread_mutex_unlock(&writer->lock);
	return result;
}

void writer_stop(struct writer *writer)
{
	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	while (writer->state == GIVEN)
		pthread_cond_wait(&writer->changed, &writer->lock);
	writer->state = STOPPING;
	pthread_cond_signal(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	fd_close(writer->file_fd);
	fd_close(writer->event_fd);
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}
