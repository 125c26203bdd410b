// SPDX-License-Identifier: MIT
/* The configuration that is in force: where its file is, and one parsed snapshot of it for the
 * whole process. A reader holds a reference while it looks, so a file that changes meanwhile
 * takes nothing away from it. The lock guards the pointer alone; files are looked at and read
 * outside of it. In a forked child the lock and the pointer read as zeros, and the child looks
 * anew. */
#include "core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "core/folder.h"
#include "core/variables.h"
#include "lib/clock.h"
#include "lib/fdio.h"
#include "lib/forkwipe.h"
#include "lib/lock.h"
#include "lib/limits.h"

int config_path(enum config_place place, struct buf *ret_path)
{
	const char *named = variable_get(VARIABLE_CONFIG);

	switch (place) {
	case CONFIG_NAMED:
		if (!named)
			return -ENOENT;
		if (named[0] != '/')
			return -EINVAL;
		buf_add(ret_path, text_of(named));
		break;
	case CONFIG_USER:
		if (!folder_of_user(ret_path, "XDG_CONFIG_HOME", "/.config"))
			return -ENOENT;
		buf_add(ret_path, TEXT("/tagalong/config.json"));
		break;
	case CONFIG_SYSTEM:
		buf_add(ret_path, TEXT("/etc/tagalong/config.json"));
		break;
	}
	return ret_path->full ? -ENAMETOOLONG : 0;
}

bool config_is_absent(int result)
{
	return result == -ENOENT || result == -ENOTDIR || result == -EACCES;
}

int config_file_read(const char *path, struct buf *ret_source)
{
	struct stat status;
	int result = path_status(path, 0, &status);

	if (result < 0)
		return result;
	if (status.st_mode & S_IWOTH)
		return -EACCES;
	return file_read(AT_FDCWD, path, ret_source);
}

const char *config_file_reason(int result)
{
	switch (result) {
	case -ENOENT:
		return "no such file or directory";
	case -EACCES:
		return "permission denied, or the file is world-writable";
	case -EFBIG:
		return "the file is larger than 256 KiB";
	case -EINVAL:
		return "not a regular file, or not an absolute path";
	case -ENOMEM:
		return "out of memory";
	default:
		return "the file cannot be read";
	}
}

/* A file that changed this short before it was read may change again without another time stamp:
 * those are as coarse as the kernel's tick, and on some file systems ten times that. */
#define SETTLED_MS 100

struct cached_config {
	struct config_snapshot public;
	unsigned references;
	enum config_place place;
	bool settled;
	struct stat status; /* of the file as it was read */
	struct config *config; /* public.config, to be freed */
	char path[];
};

struct shared {
	struct lock lock;
	struct cached_config *cached; /* last_cached; NULL in a child that has not looked yet */
	uint64_t looked_ms; /* when all places were last looked at */
};

static struct forkwipe shared_page;
/* Here, too, because a leak checker in the host does not look into the page, and a child has to
 * find what it is to give back. Under the lock. */
static struct cached_config *last_cached;
static unsigned last_serial;

/* What there is when there is no memory. */
static const struct config_snapshot out_of_memory = { .state = CONFIG_BAD,
						      .path = "",
						      .reason = "out of memory" };

static void unref(struct cached_config *cached)
{
	if (!cached || __atomic_sub_fetch(&cached->references, 1, __ATOMIC_ACQ_REL))
		return;
	free(cached->config);
	free(cached);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool is_settled(const struct stat *status)
{
	uint64_t changed_ms = (uint64_t)status->st_ctim.tv_sec * 1000 +
			      (uint64_t)status->st_ctim.tv_nsec / 1000000;

	return clock_unix_ms() > changed_ms + SETTLED_MS;
}

struct first_error {
	struct text source;
	struct cached_config *cached;
};

static void on_error(void *arg, const struct config_error *error)
{
	struct first_error *first = arg;
	size_t column;

	if (first->cached->public.reason)
		return;
	first->cached->public.reason = error->reason;
	config_line_of(first->source, error->offset, &first->cached->public.line, &column);
}

static int read_text(struct cached_config *cached, struct buf *source)
{
	int result = config_file_read(cached->path, source);
	struct first_error first = { buf_since(source, 0), cached };
	struct config_errors errors = { on_error, &first, 0 };

	return result ? result : config_read(first.source, &errors, &cached->config);
}

static void read_file(struct cached_config *cached)
{
	struct buf source;
	char *memory;
	int result;

	memory = malloc(CONFIG_BYTES_MAX + 1);
	if (memory) {
		buf_init(&source, memory, CONFIG_BYTES_MAX + 1);
		result = read_text(cached, &source);
		free(memory);
	} else {
		result = -ENOMEM;
	}
	cached->public.state = result ? CONFIG_BAD : CONFIG_GOOD;
	cached->public.config = cached->config;
	if (result && !cached->public.reason)
		cached->public.reason = config_file_reason(result);
}

static struct cached_config *new_held(enum config_place place, struct text path)
{
	struct cached_config *cached = calloc(1, sizeof(*cached) + path.len + 1);

	if (!cached)
		return NULL;
	cached->references = 1;
	cached->public.serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	cached->place = place;
	memcpy(cached->path, path.ptr, path.len);
	cached->public.path = cached->path;
	return cached;
}

static bool is_unchanged(const struct cached_config *cached, const struct stat *status)
{
	return cached->settled && same_file(&cached->status, status);
}

static struct cached_config *ref(struct cached_config *cached)
{
	__atomic_add_fetch(&cached->references, 1, __ATOMIC_RELAXED);
	return cached;
}

/* Reads what is there, or takes the one before where that is the same. A place that has nothing
 * gives NULL and *ret_found unset, but for one that was named. */
static struct cached_config *look_at(enum config_place place, struct cached_config *before,
				     bool *ret_found)
{
	char *memory = malloc(PATH_BYTES_MAX); /* a host's stack may be small */
	struct stat status = { 0 };
	struct cached_config *cached;
	struct buf path;
	int result;

	*ret_found = !memory;
	if (!memory)
		return NULL;
	buf_init(&path, memory, PATH_BYTES_MAX);
	result = config_path(place, &path);
	*ret_found = place == CONFIG_NAMED ? variable_get(VARIABLE_CONFIG) != NULL : !result;
	if (!result) {
		result = path_status(memory, 0, &status);
		*ret_found = !result || place == CONFIG_NAMED || !config_is_absent(result);
	}
	if (*ret_found && before && !result &&
	    text_eq(text_of(before->path), buf_since(&path, 0)) && is_unchanged(before, &status)) {
		free(memory);
		return ref(before);
	}
	cached = *ret_found ? new_held(place, buf_since(&path, 0)) : NULL;
	free(memory);
	if (!cached)
		return NULL;
	if (result) {
		cached->public.state = CONFIG_BAD;
		cached->public.reason = config_file_reason(result);
		return cached;
	}
	/* The status is older than the text: what changes between the two is seen the next time. */
	cached->status = status;
	cached->settled = is_settled(&status);
	read_file(cached);
	return cached;
}

/* Looks at all places. NULL without memory. */
static struct cached_config *look(struct cached_config *before)
{
	bool found = false;
	struct cached_config *cached = NULL;

	for (enum config_place place = CONFIG_NAMED; place <= CONFIG_SYSTEM && !found; place++)
		cached = look_at(place, before, &found);
	if (!found && before && before->public.state == CONFIG_NONE)
		return ref(before);
	return found ? cached : new_held(CONFIG_SYSTEM, TEXT(""));
}

/* Whether the variable still names what was read. */
static bool same_name(const struct cached_config *cached)
{
	const char *named = variable_get(VARIABLE_CONFIG);

	if (cached->place != CONFIG_NAMED)
		return !named;
	return named && (!strcmp(named, cached->path) || !cached->path[0]);
}

static __attribute__((noinline)) bool file_is_unchanged(const struct cached_config *cached)
{
	struct stat status = { 0 };

	return !path_status(cached->path, 0, &status) && is_unchanged(cached, &status);
}

static bool is_current(const struct cached_config *cached, bool looked_lately, bool exact)
{
	if (!same_name(cached))
		return false;
	if (!exact || cached->public.state == CONFIG_NONE)
		return looked_lately;
	/* The places before this one are looked at once a second. */
	if (cached->place != CONFIG_NAMED && !looked_lately)
		return false;
	return file_is_unchanged(cached);
}

/* A reference to the cached one; NULL when there is none. */
static struct cached_config *get_cached(struct shared *shared, uint64_t *ret_looked_ms)
{
	struct cached_config *cached;

	if (!lock_take(&shared->lock))
		return NULL;
	cached = shared->cached ? ref(shared->cached) : NULL;
	*ret_looked_ms = shared->looked_ms;
	lock_release(&shared->lock);
	return cached;
}

static void set_cached(struct shared *shared, struct cached_config *cached, uint64_t now_ms)
{
	struct cached_config *old;

	ref(cached);
	if (!lock_take(&shared->lock)) {
		unref(cached);
		return;
	}
	old = last_cached;
	last_cached = shared->cached = cached;
	shared->looked_ms = now_ms;
	lock_release(&shared->lock);
	unref(old);
}

const struct config_snapshot *config_get(bool exact)
{
	struct shared *shared = forkwipe_get(&shared_page);
	uint64_t now_ms = clock_monotonic_ms(), looked_ms = 0;
	struct cached_config *cached = shared ? get_cached(shared, &looked_ms) : NULL,
			     *before = cached;
	int saved = errno;

	if (!cached || !is_current(cached, now_ms - looked_ms < CONFIG_REST_MS, exact)) {
		cached = look(before);
		unref(before);
		/* Where it is the one before, look() has given it a reference of its own. */
		if (cached && shared)
			set_cached(shared, cached, now_ms); /* NOLINT(clang-analyzer-unix.Malloc) */
	}
	errno = saved;
	return cached ? &cached->public : &out_of_memory; /* NOLINT(clang-analyzer-unix.Malloc) */
}

void config_put(const struct config_snapshot *snapshot)
{
	if (snapshot != &out_of_memory)
		unref((struct cached_config *)snapshot);
}
