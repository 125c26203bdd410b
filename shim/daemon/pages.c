// SPDX-License-Identifier: MIT
/* A sealed file of memory for each scope that somebody asks a page of, and one for the service.
 * Both stay mapped here, writable; whoever gets a descriptor can only read them.
 *
 * A new process has no descriptor yet. For it the page's text also stands in a file beside the
 * socket, where a token alone says which scope is meant (scope_is_meant_by_token). A change makes
 * a new file, locked before it gets its name: one that is not locked, or not there, says nothing,
 * and the process asks. Only on tmpfs, where nothing waits for a disk. */
#include "daemon/pages.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "daemon/daemon_limits.h"
#include "daemon/notice.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

struct page {
	TAILQ_ENTRY(page) link;
	struct scope *scope;
	struct shared_page *memory;
	uint64_t asked_ms;
	uint64_t shown_revision;
	size_t allocated; /* of the file, from its start */
	int fd;
	int file_fd; /* of the file beside the socket, locked; -1: there is none */
	char path[SHARED_PAGE_PATH_BYTES]; /* of that */
};

_Static_assert(sizeof(pthread_mutex_t) <= offsetof(struct control_page, generation),
	       "the mutex has its place");
_Static_assert(sizeof(struct control_page) <= SHARED_PAGE_BYTES, "the control has its place");

/* Whether a token, or none, says enough to be shown the page. */
static bool wants_file(const struct scopes *scopes, const struct page *page)
{
	return scope_is_meant_by_token(scopes,
				       page->scope == scopes->default_scope ? NULL : page->scope);
}

static void remove_file(struct page *page)
{
	if (page->file_fd < 0)
		return;
	unlink(page->path);
	fd_close(page->file_fd);
	page->file_fd = -1;
}

/* The file says what the page does now, or is gone. */
static void write_file(struct pages *pages, const struct scopes *scopes, struct page *page)
{
	char memory[SHARED_PAGE_PATH_BYTES];
	struct buf new_path;
	int fd;

	if (!pages->socket)
		return;
	if (!wants_file(scopes, page)) {
		remove_file(page);
		return;
	}
	buf_init(&new_path, memory, sizeof(memory));
	/* No name of a scope has a "~". */
	shared_page_path(text_of(pages->socket), TEXT("~"), &new_path);
	fd = fd_open(AT_FDCWD, new_path.data, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	if (fd >= 0 && !fd_lock(fd) &&
	    !fd_write(fd, (struct text){ (const char *)page->memory->text, page->memory->bytes }) &&
	    !rename(new_path.data, page->path)) {
		fd_close(page->file_fd);
		page->file_fd = fd;
		return;
	}
	if (fd >= 0)
		unlink(new_path.data);
	fd_close(fd);
	remove_file(page);
}

static void folder_path(const char *socket, char ret_path[SHARED_PAGE_PATH_BYTES])
{
	snprintf(ret_path, SHARED_PAGE_PATH_BYTES, "%s%.*s", socket,
		 (int)sizeof(SHARED_PAGE_FOLDER) - 2, SHARED_PAGE_FOLDER);
}

/* Makes the folder of the files, and takes away what another service left there. */
static void init_files(struct pages *pages, const char *socket)
{
	char path[SHARED_PAGE_PATH_BYTES];
	struct statfs system;
	struct dirent *entry;
	DIR *folder;
	int fd;

	if (!socket[0])
		return; /* an abstract one, which has no place */
	folder_path(socket, path);
	mkdir(path, 0700);
	fd = fd_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return;
	folder = !fstatfs(fd, &system) && system.f_type == TMPFS_MAGIC ? fdopendir(fd) : NULL;
	if (!folder) {
		fd_close(fd);
		rmdir(path);
		return;
	}
	while ((entry = readdir(folder)))
		unlinkat(fd, entry->d_name, 0); /* "." and ".." are no files */
	closedir(folder);
	pages->socket = socket;
}

/* A sealed file of memory and its mapping here. 0 or a negative errno. */
static int make_memory(int *ret_fd, void **ret_memory)
{
	int fd = memfd_create("tagalong", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	void *memory = MAP_FAILED;
	int result;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("tagalong", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && !ftruncate(fd, SHARED_PAGE_BYTES))
		memory = mmap(NULL, SHARED_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* After this mapping nobody gets one to write into (Linux 5.1). */
	if (memory != MAP_FAILED &&
	    !fcntl(fd, F_ADD_SEALS,
		   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) {
		*ret_fd = fd;
		*ret_memory = memory;
		return 0;
	}
	result = -errno;
	if (memory != MAP_FAILED)
		munmap(memory, SHARED_PAGE_BYTES);
	fd_close(fd);
	return result;
}

/* A write that finds no memory would end the service, so it is taken before. */
static int allocate(int fd, size_t bytes, size_t *allocated)
{
	int result = bytes > *allocated ? posix_fallocate(fd, 0, (off_t)bytes) : 0;

	if (!result && bytes > *allocated)
		*allocated = bytes;
	return -result;
}

/* Held for life, and marked by the kernel at the end of it, whatever kind of end that is. */
static int take_for_life(struct control_page *control)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)(void *)control;
	pthread_mutexattr_t attributes;
	int result;

	result = pthread_mutexattr_init(&attributes);
	if (result)
		return -result;
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	result = pthread_mutex_init(mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	if (!result)
		result = pthread_mutex_lock(mutex);
	if (!result && !control_page_is_current(control, 0))
		result = ENOTSUP; /* a libc whose mutexes do not begin with the word */
	return -result;
}

size_t pages_max(void)
{
	struct rlimit limit;
	rlim_t spare;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= DESCRIPTORS_KEPT)
		return 0;
	spare = (limit.rlim_cur - DESCRIPTORS_KEPT) / 2 / DESCRIPTORS_PER_PAGE;
	return spare < PAGES_MAX ? spare : PAGES_MAX;
}

void pages_init(struct pages *pages, bool wanted, const char *socket)
{
	size_t allocated = 0;
	void *memory = NULL;
	int result;

	*pages = (struct pages){ .control_fd = -1, .max = pages_max() };
	TAILQ_INIT(&pages->all);
	if (!wanted)
		return;
	result = make_memory(&pages->control_fd, &memory);
	if (!result)
		result = allocate(pages->control_fd, sizeof(struct control_page), &allocated);
	if (!result && memory) /* it is; the analyzer takes errno for 0 */
		result = take_for_life(memory);
	if (result) {
		notice_warning("no shared pages: %s; every question is answered on the socket",
			       strerror(-result));
		if (memory)
			munmap(memory, SHARED_PAGE_BYTES);
		fd_close(pages->control_fd);
		return;
	}
	pages->control = memory;
	init_files(pages, socket);
}

/* Those who have it mapped keep it, and see that it holds no more. */
static void end_page(struct pages *pages, struct page *page)
{
	TAILQ_REMOVE(&pages->all, page, link);
	pages->count--;
	remove_file(page);
	shared_page_retire(page->memory);
	page->scope->page = NULL;
	munmap(page->memory, SHARED_PAGE_BYTES);
	fd_close(page->fd);
	free(page);
}

void pages_release(struct pages *pages)
{
	char path[SHARED_PAGE_PATH_BYTES];
	struct page *page, *next;

	for (page = TAILQ_FIRST(&pages->all); page; page = next) {
		next = TAILQ_NEXT(page, link);
		end_page(pages, page);
	}
	if (!pages->control)
		return;
	if (pages->socket) {
		folder_path(pages->socket, path);
		rmdir(path);
	}
	pthread_mutex_unlock((pthread_mutex_t *)(void *)pages->control);
	munmap(pages->control, SHARED_PAGE_BYTES);
	fd_close(pages->control_fd);
	pages->control = NULL;
}

static int write_page(struct pages *pages, const struct scopes *scopes, struct page *page)
{
	struct text value[FIELD_COUNT], opened_with[FIELD_COUNT];
	int result;

	scope_effective(scopes, page->scope, value);
	scope_opened_with(page->scope, opened_with);
	result = allocate(page->fd, shared_page_used(value, opened_with), &page->allocated);
	if (!result) {
		shared_page_write(page->memory, value, opened_with);
		write_file(pages, scopes, page);
	}
	page->shown_revision = scopes->revision;
	return result;
}

/* Whether one more page is possible; if need be the one that was asked for least recently is ended,
 * once it is so old that nobody can be reading it. */
static bool evict_unused(struct pages *pages)
{
	struct page *page = TAILQ_FIRST(&pages->all);

	if (pages->count < pages->max)
		return true;
	if (!page || clock_monotonic_ms() < page->asked_ms + PAGE_UNUSED_MS)
		return false;
	end_page(pages, page);
	return true;
}

static int make_page(struct pages *pages, const struct scopes *scopes, struct scope *scope)
{
	struct page *page = calloc(1, sizeof(*page));
	void *memory = NULL;
	struct buf path;
	int result;

	if (!page)
		return -ENOMEM;
	page->fd = page->file_fd = -1;
	page->scope = scope;
	buf_init(&path, page->path, sizeof(page->path));
	if (pages->socket)
		shared_page_path(text_of(pages->socket), text_of(scope->name), &path);
	result = make_memory(&page->fd, &memory);
	page->memory = memory;
	if (!result && memory) /* it is; the analyzer takes errno for 0 */
		result = write_page(pages, scopes, page);
	if (result) {
		if (memory)
			munmap(memory, SHARED_PAGE_BYTES);
		fd_close(page->fd);
		free(page);
		return result;
	}
	scope->page = page;
	TAILQ_INSERT_TAIL(&pages->all, page, link);
	pages->count++;
	return 0;
}

int pages_get(struct pages *pages, const struct scopes *scopes, struct scope *scope)
{
	struct page *page;
	int fd, result = 0;

	if (!pages->control)
		return -ENOTSUP;
	if (!scope->page)
		result = evict_unused(pages) ? make_page(pages, scopes, scope) : -EDQUOT;
	if (result)
		return result;
	page = scope->page;
	page->asked_ms = clock_monotonic_ms();
	TAILQ_REMOVE(&pages->all, page, link);
	TAILQ_INSERT_TAIL(&pages->all, page, link);
	/* Its own: the page may be gone before the reply is sent. */
	fd = fcntl(page->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

void pages_update(struct pages *pages, const struct scopes *scopes)
{
	struct page *page, *next;

	if (!pages->control)
		return;
	__atomic_store_n(&pages->control->generation, scopes->generation, __ATOMIC_RELEASE);
	if (pages->shown_revision == scopes->revision)
		return;
	pages->shown_revision = scopes->revision;
	for (page = TAILQ_FIRST(&pages->all); page; page = next) {
		next = TAILQ_NEXT(page, link);
		/* One that cannot be written shows nothing rather than what was. */
		if (scope_effective_changed(scopes, page->scope) > page->shown_revision &&
		    write_page(pages, scopes, page))
			end_page(pages, page);
		else if ((page->file_fd >= 0) != wants_file(scopes, page))
			write_file(pages, scopes, page);
	}
}

void pages_scope_ends(struct pages *pages, struct scope *scope)
{
	if (scope->page)
		end_page(pages, scope->page);
}
