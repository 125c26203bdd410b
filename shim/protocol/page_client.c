// SPDX-License-Identifier: MIT
/* Two mappings, read only, and no descriptor: a host may close those as it likes. The lock is
 * held over a check and a copy of a few hundred bytes, never over a call that leaves the shim. A
 * child has neither the mappings (MADV_DONTFORK) nor the memory of them. */
#include "protocol/page_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "lib/forkwipe.h"
#include "lib/lock.h"
#include "protocol/page.h"
#include "protocol/socket_path.h"
#include "lib/system.h"

/* How long a page is believed before the service is asked again. What the service changes is
 * seen at once; this bounds what it is not told of, such as the death of a process between this
 * one and the one that has the scope, or another service on the same socket. */
#define FRESH_MS 1000
/* Room for a context of the usual size, at first. */
#define USUAL_BYTES 1024

struct cached {
	struct lock lock;
	const struct shared_page *page; /* NULL: none */
	const struct control_page *control;
	uint64_t asked_ms;
	uint32_t generation;
	bool has_read_file;
	uint32_t kept; /* how many pages were: the number of this one */
	unsigned char path_len, token_len;
	char path[WIRE_PATH_BYTES_MAX], token[WIRE_NAME_BYTES_MAX];
};

_Static_assert(sizeof(struct cached) <= FORKWIPE_BYTES, "it fits");
_Static_assert(WIRE_PATH_BYTES_MAX <= UINT8_MAX && WIRE_NAME_BYTES_MAX <= UINT8_MAX, "so do these");

static struct forkwipe cached_page;

bool page_welcome(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (system_fcntl(fd, F_GETFD, 0) < 0)
			return false;
	}
	return true;
}

static bool answers(const struct cached *cached, const struct page_question *question, bool fresh)
{
	return cached->page && (!fresh || question->asked_ms < cached->asked_ms + FRESH_MS) &&
	       text_eq(question->path, (struct text){ cached->path, cached->path_len }) &&
	       text_eq(question->token, (struct text){ cached->token, cached->token_len }) &&
	       control_page_is_current(cached->control, cached->generation);
}

/* 0, -ENOBUFS with *ret_len set, or -EAGAIN when there is nothing to read. */
static int copy(struct cached *cached, const struct page_question *question, bool fresh,
		struct client_answer *answer, size_t size, size_t *ret_len)
{
	int result = -EAGAIN;

	if (!lock_take(&cached->lock))
		return result;
	if (answers(cached, question, fresh)) {
		/* Before the text: of one that is newer, the mark is out of date at once. */
		answer->mark.kept = cached->kept;
		answer->mark.sequence = shared_page_sequence(cached->page);
		result = shared_page_copy(cached->page, answer->memory, size, ret_len);
	}
	lock_release(&cached->lock);
	return result;
}

bool page_answer(const struct page_question *question, bool fresh,
		 struct client_answer **ret_answer)
{
	struct cached *cached = forkwipe_get(&cached_page);
	struct client_answer *answer = NULL;
	size_t size = USUAL_BYTES, len = 0;
	int result = -ENOBUFS;

	/* Without the lock: most processes have no service, and some no page. */
	if (!cached || !__atomic_load_n(&cached->page, __ATOMIC_RELAXED))
		return false;
	while (result == -ENOBUFS) {
		free(answer);
		answer = malloc(sizeof(*answer) + size);
		if (!answer)
			return false;
		result = copy(cached, question, fresh, answer, size, &len);
		size = (len + 3) / 4 * 4; /* what it takes; by the next time it may have grown */
	}
	if (result || shared_page_read(answer->memory, len, &answer->reply)) {
		free(answer);
		return false;
	}
	*ret_answer = answer;
	return true;
}

/* A file that stands whole or not at all: the service writes a new one for each change, and holds a
 * lock on it for as long as it lives and the file is right. */
static bool read_file(int fd, struct client_answer *answer)
{
	struct stat status;
	struct buf text;

	buf_init(&text, answer->memory, FRAME_BYTES);
	return !fd_status(fd, &status) && S_ISREG(status.st_mode) &&
	       socket_user_is_trusted(status.st_uid) && fd_is_locked(fd) && !fd_read(fd, &text) &&
	       !shared_page_read(text.data, text.len, &answer->reply);
}

bool page_file_answer(const struct page_question *question, struct client_answer **ret_answer)
{
	struct cached *cached = forkwipe_get(&cached_page);
	char memory[SHARED_PAGE_PATH_BYTES];
	struct client_answer *answer = NULL;
	struct stat status;
	struct buf path;
	bool found = false;
	int fd;

	if (!cached || __atomic_load_n(&cached->page, __ATOMIC_RELAXED) ||
	    __atomic_exchange_n(&cached->has_read_file, true, __ATOMIC_RELAXED))
		return false;
	buf_init(&path, memory, sizeof(memory));
	shared_page_path(question->path, question->token, &path);
	/* Most have none: then no call but this one, which a sandbox may not allow (geteuid). */
	if (path.full || path_status(path.data, AT_SYMLINK_NOFOLLOW, &status) ||
	    socket_folder_fault(question->path.ptr))
		return false;
	fd = fd_open(AT_FDCWD, path.data, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	answer = malloc(sizeof(*answer) + FRAME_BYTES);
	if (answer)
		answer->mark = (struct client_mark){ 0 };
	found = answer && read_file(fd, answer);
	fd_close(fd);
	if (found)
		*ret_answer = answer;
	else
		free(answer);
	return found;
}

bool page_may_answer(void)
{
	struct cached *cached = forkwipe_get(&cached_page);
	bool may;

	if (!cached || !__atomic_load_n(&cached->page, __ATOMIC_RELAXED))
		return false;
	if (!lock_take(&cached->lock))
		return true;
	may = cached->page && control_page_is_current(cached->control, cached->generation);
	lock_release(&cached->lock);
	return may;
}

bool page_unchanged(const struct client_mark *mark)
{
	struct cached *cached = forkwipe_get(&cached_page);
	uint64_t now_ms = clock_monotonic_ms();
	bool unchanged;

	if (!cached || !lock_take(&cached->lock))
		return false;
	unchanged = cached->page && cached->kept == mark->kept &&
		    now_ms < cached->asked_ms + FRESH_MS &&
		    control_page_is_current(cached->control, cached->generation) &&
		    shared_page_sequence(cached->page) == mark->sequence;
	lock_release(&cached->lock);
	return unchanged;
}

/* A whole file of ours that cannot shrink, as everybody's of this protocol has to be; or NULL. */
static void *map(int fd)
{
	struct stat status;
	int seals = system_fcntl(fd, F_GET_SEALS, 0);
	void *memory;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fd_status(fd, &status) < 0 ||
	    status.st_size < SHARED_PAGE_BYTES)
		return NULL;
	memory = system_mmap(SHARED_PAGE_BYTES, PROT_READ, MAP_SHARED, fd);
	if (memory == MAP_FAILED)
		return NULL;
	system_madvise(memory, SHARED_PAGE_BYTES, MADV_DONTFORK);
	return memory;
}

static void unmap(const void *memory)
{
	if (memory)
		system_munmap((void *)memory, SHARED_PAGE_BYTES);
}

static unsigned char copy_text(char *to, struct text text)
{
	if (text.len)
		memcpy(to, text.ptr, text.len);
	return (unsigned char)text.len;
}

void page_keep(const struct page_question *question, const int fds[2], uint32_t generation)
{
	struct cached *cached = forkwipe_get(&cached_page);
	const struct shared_page *page = NULL, *old_page;
	const struct control_page *control = NULL, *old_control;

	if (!cached)
		return;
	if (fds[0] >= 0 && fds[1] >= 0 && question->path.len <= sizeof(cached->path) &&
	    question->token.len <= sizeof(cached->token)) {
		page = map(fds[0]);
		control = map(fds[1]);
	}
	if (!page || !control) {
		unmap(page);
		unmap(control);
		page = NULL;
		control = NULL;
	}
	if (!lock_take(&cached->lock)) {
		unmap(page);
		unmap(control);
		return;
	}
	old_page = cached->page;
	old_control = cached->control;
	__atomic_store_n(&cached->page, page, __ATOMIC_RELAXED);
	cached->control = control;
	if (page) {
		cached->kept++;
		cached->generation = generation;
		cached->asked_ms = question->asked_ms;
		cached->path_len = copy_text(cached->path, question->path);
		cached->token_len = copy_text(cached->token, question->token);
	}
	lock_release(&cached->lock);
	unmap(old_page);
	unmap(old_control);
}
