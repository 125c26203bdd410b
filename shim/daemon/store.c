// SPDX-License-Identifier: MIT
/*
 * The store in a file. Rows are gathered while the writer is busy and go out together (group
 * commit). A whole new file is put together over many turns, while rows still go to the old one: a
 * row that changes after it was put is put once more. Trouble with the disk is said once; what
 * happened meanwhile is in the next whole file.
 */
#include "daemon/store.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/fdio.h"
#include "core/folder.h"
#include "lib/limits.h"
#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "daemon/proc.h"
#include "daemon/store_load.h"
#include "daemon/store_row.h"
#include "daemon/writer.h"

#define BOOT_ID_BYTES 64

struct store {
	struct store_owner owner;
	struct writer *writer; /* NULL: nothing is kept */
	int folder_fd, event_fd;
	char path[PATH_BYTES_MAX]; /* of the folder, for people */
	char boot_id[BOOT_ID_BYTES];
	struct buf rows; /* what was put and not handed over yet */
	struct buf whole; /* the new file, as far as it is put together */
	uint64_t whole_until; /* the serial that it has got to */
	size_t whole_enough; /* its length at which this turn's part is done */
	size_t put_bytes; /* of the rows that were put since its last part */
	bool is_renewing; /* it is being put together, or waits for the writer */
	bool needs_whole; /* there is no file that rows could be appended to */
	uint64_t ticket, done, in_flight;
	bool busy, in_flight_whole, failing;
	uint64_t retry_at_ms;
	size_t file_bytes, live_bytes, in_flight_bytes;
};

/* Room for one more row, which has at most the bytes of a line. */
static bool reserve(struct buf *rows)
{
	size_t wanted = rows->len + WIRE_LINE_BYTES_MAX + 1;
	size_t size = rows->size ? rows->size : WIRE_LINE_BYTES_MAX + 1;
	char *data;

	if (wanted <= rows->size)
		return true;
	while (size < wanted)
		size *= 2;
	data = realloc(rows->data, size);
	if (!data)
		return false;
	rows->data = data;
	rows->size = size;
	return true;
}

static bool add_row(struct buf *rows, const struct store_row *row)
{
	if (!reserve(rows))
		return false;
	store_row_write(rows, row);
	return true;
}

static void drop_whole(struct store *store)
{
	free(store->whole.data);
	store->whole = (struct buf){ 0 };
	store->is_renewing = false;
}

/* What is on the disk is no longer all: only a whole file brings it back. */
static void on_failure(struct store *store, int error)
{
	if (!store->failing)
		notice_warning("cannot write the state in %s: %s; going on in memory, and trying "
			       "again", store->path, strerror(-error));
	store->failing = store->needs_whole = true;
	store->retry_at_ms = clock_monotonic_ms() + STORE_RETRY_MS;
}

static void on_no_memory(struct store *store)
{
	drop_whole(store);
	on_failure(store, -ENOMEM);
}

void store_put(struct store *store, const struct store_row *row)
{
	size_t before = store->rows.len;

	if (!store->writer)
		return;
	if (!add_row(&store->rows, row) ||
	    (store->is_renewing && row->serial <= store->whole_until &&
	     !add_row(&store->whole, row)))
		on_no_memory(store);
	store->put_bytes += store->rows.len - before;
}

bool store_put_again(struct store *store, const struct store_row *row)
{
	if (store->is_renewing && !add_row(&store->whole, row))
		on_no_memory(store);
	return store->is_renewing && store->whole.len < store->whole_enough;
}

static void hand_over(struct store *store, struct buf *rows, bool whole)
{
	struct writer_job job = { rows->data, rows->len, whole };

	*rows = (struct buf){ 0 };
	if (whole)
		store->needs_whole = false;
	store->in_flight = store->ticket++;
	store->in_flight_whole = whole;
	store->in_flight_bytes = job.len;
	store->busy = true;
	writer_submit(store->writer, job);
}

/* The next part of the new file: at least as much as was put meanwhile, so that it is done before
 * there is another one's worth of changes, however fast they come. */
static void renew(struct store *store)
{
	bool again = !store->is_renewing;

	if (again) {
		store->is_renewing = true;
		store->whole_until = 0;
		if (!reserve(&store->whole)) {
			on_no_memory(store);
			return;
		}
		store_head_write(&store->whole, text_of(store->boot_id));
	}
	store->whole_enough = store->whole.len + STORE_TURN_BYTES + store->put_bytes;
	store->put_bytes = 0;
	if (store->whole_until != STORE_ALL_PUT)
		store->whole_until = store->owner.put_some(store->owner.arg, store, again);
}

static bool wants_whole(const struct store *store)
{
	if (store->busy && store->in_flight_whole)
		return store->is_renewing; /* the sizes are those of the file before */
	return store->is_renewing || store->needs_whole ||
	       store->file_bytes + store->rows.len > 2 * store->live_bytes + STORE_SLACK_BYTES;
}

/* With the writer idle. */
static void hand_over_next(struct store *store)
{
	if (store->is_renewing && store->whole_until == STORE_ALL_PUT) {
		store->rows.len = 0; /* it has them */
		store->is_renewing = false;
		hand_over(store, &store->whole, true);
	} else if (!store->writer || store->failing) {
		/* Nobody waits for what cannot be written now. */
		store->rows.len = 0;
		store->done = store->ticket++;
	} else if (store->rows.len && !store->needs_whole) {
		hand_over(store, &store->rows, false);
	} else if (!store->rows.len) {
		store->done = store->ticket++; /* all of it was safe before */
	}
}

bool store_commit(struct store *store)
{
	bool waits = store->failing && clock_monotonic_ms() < store->retry_at_ms;

	if (store->writer && !waits && wants_whole(store))
		renew(store);
	if (!store->busy)
		hand_over_next(store);
	return store->is_renewing && store->whole_until != STORE_ALL_PUT;
}

bool store_is_busy(const struct store *store)
{
	return store->busy;
}

uint64_t store_ticket(const struct store *store)
{
	return store->ticket;
}

uint64_t store_done(const struct store *store)
{
	return store->done;
}

int store_event_fd(const struct store *store)
{
	return store->event_fd;
}

bool store_wants_retry(const struct store *store)
{
	return store->failing && !store->busy;
}

static void on_success(struct store *store)
{
	if (store->failing)
		notice_warning("the state in %s is written again", store->path);
	store->failing = false;
	if (store->in_flight_whole)
		store->file_bytes = store->live_bytes = store->in_flight_bytes;
	else
		store->file_bytes += store->in_flight_bytes;
}

void store_collect(struct store *store)
{
	int result = writer_collect(store->writer);

	if (result == -EAGAIN)
		return;
	store->busy = false;
	store->done = store->in_flight;
	if (result)
		on_failure(store, result);
	else
		on_success(store);
}

static void wait_for_writer(struct store *store)
{
	struct pollfd event = { .fd = store->event_fd, .events = POLLIN };

	while (store->busy) {
		if (poll(&event, 1, -1) > 0)
			store_collect(store);
	}
}

void store_sync(struct store *store)
{
	wait_for_writer(store);
	store->retry_at_ms = 0;
	while (store_commit(store))
		;
	wait_for_writer(store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_sync(store);
	writer_stop(store->writer);
	fd_close(store->folder_fd);
	free(store->rows.data);
	free(store->whole.data);
	free(store);
}

int store_open(const struct store_owner *owner, struct store **ret_store)
{
	struct store *store = calloc(1, sizeof(*store));
	struct buf boot_id, path;
	int result;

	if (!store)
		return -ENOMEM;
	store->owner = *owner;
	store->ticket = 1;
	store->event_fd = store->folder_fd = -1;
	*ret_store = store;
	buf_init(&boot_id, store->boot_id, sizeof(store->boot_id));
	process_boot_id(&boot_id);
	buf_init(&path, store->path, sizeof(store->path));
	if (!folder_of_state(&path)) {
		notice_warning("neither XDG_STATE_HOME nor HOME says where to keep the state");
		return 0;
	}
	result = store_folder_open(store->path);
	if (result >= 0) {
		store->folder_fd = result;
		store_load(store->folder_fd, store->path, text_of(store->boot_id), owner);
		result = writer_start(store->folder_fd, STORE_FILE, &store->writer,
				      &store->event_fd);
	}
	if (result == -EBUSY)
		notice_warning("another service keeps its state in %s; this one keeps none",
			       store->path);
	else if (result)
		notice_warning("cannot keep the state in %s: %s", store->path, strerror(-result));
	/* A new file shows at once whether writing is possible, and has this boot's id. */
	store->needs_whole = true;
	return 0;
}
