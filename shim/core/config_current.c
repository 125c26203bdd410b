// SPDX-License-Identifier: MIT
/*
 * One snapshot is kept for the process. A reader holds a reference while it looks, so a file that
 * changes meanwhile takes nothing away from it. The lock guards the pointer alone: files are looked
 * at and read outside of it.
 */
#include "core/config_current.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "lib/forkwipe.h"
#include "lib/limits.h"
#include "core/variables.h"

/* A file that changed this short before it was read may change again without another time stamp:
 * those are as coarse as the kernel's tick, and on some file systems ten times that. */
#define SETTLED_MS 100

struct held {
	struct config_snapshot public;
	unsigned references;
	enum config_place place;
	bool settled;
	struct stat status; /* of the file as it was read */
	struct config *config; /* public.config, to be freed */
	char path[];
};

struct shared {
	pthread_mutex_t lock;
	struct held *held; /* last_held; NULL in a child that has not looked yet */
	uint64_t looked_ms; /* when all places were last looked at */
};

static struct forkwipe shared_page;
/* Here, too, because a leak checker in the host does not look into the page, and a child has to find
 * what it is to give back. Under the lock. */
static struct held *last_held;

/* What there is when there is no memory. */
static const struct config_snapshot out_of_memory = {
	.standing = CONFIG_BAD, .path = "", .reason = "out of memory"
};

static void unref(struct held *held)
{
	if (!held || __atomic_sub_fetch(&held->references, 1, __ATOMIC_ACQ_REL))
		return;
	free(held->config);
	free(held);
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

struct first_fault {
	struct text source;
	struct held *held;
};

static void on_fault(void *arg, const struct fault *fault)
{
	struct first_fault *first = arg;
	size_t column;

	if (first->held->public.reason)
		return;
	first->held->public.reason = fault->reason;
	fault_line(first->source, fault->offset, &first->held->public.line, &column);
}

static int read_text(struct held *held, struct buf *source)
{
	int result = config_file_read(held->path, source);
	struct first_fault first = { buf_since(source, 0), held };
	struct faults faults = { on_fault, &first, 0 };

	return result ? result : config_read(first.source, &faults, &held->config);
}

static void read_file(struct held *held)
{
	struct buf source;
	char *memory;
	int result;

	memory = malloc(CONFIG_BYTES_MAX + 1);
	if (memory) {
		buf_init(&source, memory, CONFIG_BYTES_MAX + 1);
		result = read_text(held, &source);
		free(memory);
	} else {
		result = -ENOMEM;
	}
	held->public.standing = result ? CONFIG_BAD : CONFIG_GOOD;
	held->public.config = held->config;
	if (result && !held->public.reason)
		held->public.reason = config_file_reason(result);
}

static struct held *new_held(enum config_place place, struct text path)
{
	struct held *held = calloc(1, sizeof(*held) + path.len + 1);

	if (!held)
		return NULL;
	held->references = 1;
	held->place = place;
	memcpy(held->path, path.ptr, path.len);
	held->public.path = held->path;
	return held;
}

static bool is_unchanged(const struct held *held, const struct stat *status)
{
	return held->settled && same_file(&held->status, status);
}

static struct held *ref(struct held *held)
{
	__atomic_add_fetch(&held->references, 1, __ATOMIC_RELAXED);
	return held;
}

/* Reads what is there, or takes the one before where that is the same. A place that has nothing
 * gives NULL and *ret_found unset, but for one that was named. */
static struct held *look_at(enum config_place place, struct held *before, bool *ret_found)
{
	char memory[PATH_BYTES_MAX];
	struct stat status = { 0 };
	struct held *held;
	struct buf path;
	int result;

	buf_init(&path, memory, sizeof(memory));
	result = config_path(place, &path);
	*ret_found = place == CONFIG_NAMED ? variable_get(VARIABLE_CONFIG) != NULL : !result;
	if (!result) {
		result = path_status(memory, 0, &status);
		*ret_found = !result || place == CONFIG_NAMED || !config_is_absent(result);
	}
	if (!*ret_found)
		return NULL;
	if (before && !result && text_eq(text_of(before->path), buf_since(&path, 0)) &&
	    is_unchanged(before, &status))
		return ref(before);
	held = new_held(place, buf_since(&path, 0));
	if (!held)
		return NULL;
	if (result) {
		held->public.standing = CONFIG_BAD;
		held->public.reason = config_file_reason(result);
		return held;
	}
	/* The status is older than the text: what changes between the two is seen the next time. */
	held->status = status;
	held->settled = is_settled(&status);
	read_file(held);
	return held;
}

/* Looks at all places. NULL without memory. */
static struct held *look(struct held *before)
{
	bool found = false;
	struct held *held = NULL;

	for (enum config_place place = CONFIG_NAMED; place <= CONFIG_SYSTEM && !found; place++)
		held = look_at(place, before, &found);
	return found ? held : new_held(CONFIG_SYSTEM, TEXT(""));
}

/* Whether the variable still names what was read. */
static bool same_name(const struct held *held)
{
	const char *named = variable_get(VARIABLE_CONFIG);

	if (held->place != CONFIG_NAMED)
		return !named;
	return named && (!strcmp(named, held->path) || !held->path[0]);
}

static bool still_true(const struct held *held, bool looked_lately, bool exact)
{
	struct stat status = { 0 };

	if (!same_name(held))
		return false;
	if (!exact || held->public.standing == CONFIG_NONE)
		return looked_lately;
	/* The places before this one are looked at once a second. */
	if (held->place != CONFIG_NAMED && !looked_lately)
		return false;
	return !path_status(held->path, 0, &status) && is_unchanged(held, &status);
}

/* A reference to the one that is kept. */
static struct held *kept(struct shared *shared, uint64_t *ret_looked_ms)
{
	struct held *held;

	pthread_mutex_lock(&shared->lock);
	held = shared->held ? ref(shared->held) : NULL;
	*ret_looked_ms = shared->looked_ms;
	pthread_mutex_unlock(&shared->lock);
	return held;
}

static void keep(struct shared *shared, struct held *held, uint64_t now_ms)
{
	struct held *old;

	ref(held);
	pthread_mutex_lock(&shared->lock);
	old = last_held;
	last_held = shared->held = held;
	shared->looked_ms = now_ms;
	pthread_mutex_unlock(&shared->lock);
	unref(old);
}

const struct config_snapshot *config_take(bool exact)
{
	struct shared *shared = forkwipe_get(&shared_page);
	uint64_t now_ms = clock_monotonic_ms(), looked_ms = 0;
	struct held *held = shared ? kept(shared, &looked_ms) : NULL, *before = held;
	int saved = errno;

	if (!held || !still_true(held, now_ms - looked_ms < CONFIG_REST_MS, exact)) {
		held = look(before);
		unref(before);
		/* Where it is the one before, look() has given it a reference of its own. */
		if (held && shared)
			keep(shared, held, now_ms); /* NOLINT(clang-analyzer-unix.Malloc) */
	}
	errno = saved;
	return held ? &held->public : &out_of_memory;
}

void config_drop(const struct config_snapshot *snapshot)
{
	if (snapshot != &out_of_memory)
		unref((struct held *)snapshot);
}
