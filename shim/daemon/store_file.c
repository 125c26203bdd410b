// SPDX-License-Identifier: MIT
/* The store in a SQLite database: one table of scopes by serial, one of the rest. Write-ahead
 * log and synchronous=NORMAL: a commit is in the kernel's hands before the answer leaves, so it
 * survives the end of the process; a loss of power may cost the last commits, never the file.
 * The loop itself writes, which is a copy into the page cache. */
#include "daemon/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/folder.h"
#include "daemon/daemon_limits.h"
#include "daemon/notice.h"
#include "daemon/process.h"
#include "lib/clock.h"
#include "lib/fdio.h"
#include "lib/limits.h"
#include "protocol/protocol_limits.h"
#include "protocol/socket_path.h"

#define BOOT_ID_BYTES 64
/* SQLite's header has a number for the application: "file context.db" shows whose it is. */
#define APPLICATION_ID "1413564236" /* "TAGL" */

enum statement { PUT, REMOVE, CLEAR, SET_REVISION, SET_BOOT, BEGIN, COMMIT, ROLLBACK, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
	[PUT] = "INSERT OR REPLACE INTO scope VALUES (?1, ?2)",
	[REMOVE] = "DELETE FROM scope WHERE serial = ?1",
	[CLEAR] = "DELETE FROM scope",
	[SET_REVISION] = "INSERT OR REPLACE INTO meta VALUES ('revision', ?1)",
	[SET_BOOT] = "INSERT OR REPLACE INTO meta VALUES ('boot', ?2)",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

static const char schema_sql[] =
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	"CREATE TABLE IF NOT EXISTS scope (serial INTEGER PRIMARY KEY, row TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;";

struct store {
	const struct store_owner *owner; /* while it is read */
	sqlite3 *database; /* NULL: nothing outlives the service */
	sqlite3_stmt *statement[STATEMENTS];
	int folder_fd; /* locked as long as it is open */
	char folder[PATH_BYTES_MAX], path[PATH_BYTES_MAX];
	char boot_id[BOOT_ID_BYTES];
	bool wants_all; /* what is in the file is not what was answered */
	bool in_transaction, transaction_failed;
	bool failing; /* the warning was given */
	bool is_missing; /* it could not be made yet */
	uint64_t retry_at_ms;
	/* One row, as the longest line: whatever fits a request fits here. */
	char line[2 * WIRE_LINE_BYTES_MAX];
};

/* The system's word for it where there is one: "No space left on device". SQLite has it by file. */
static const char *database_error(sqlite3 *database)
{
	static const int file_ops[] = { SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER };
	int error = sqlite3_system_errno(database), code = sqlite3_errcode(database);

	for (size_t i = 0; code == SQLITE_IOERR && !error && i < 2; i++) {
		sqlite3_file *file = NULL;

		sqlite3_file_control(database, "main", file_ops[i], &file);
		if (file && file->pMethods)
			file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
	}
	if (code == SQLITE_FULL)
		error = ENOSPC;
	return error ? strerror(error) : sqlite3_errmsg(database);
}

static void on_failure(struct store *store, const char *reason)
{
	if (!store->failing)
		notice_warning("cannot write to %s: %s; going on in memory, and trying again",
			       store->folder, reason);
	store->failing = store->wants_all = store->transaction_failed = true;
	store->retry_at_ms = clock_monotonic_ms() + STORE_RETRY_MS;
}

/* Runs a statement whose parameters are bound. */
static bool step(struct store *store, enum statement which)
{
	sqlite3_stmt *statement = store->statement[which];
	bool ok = sqlite3_step(statement) == SQLITE_DONE;

	if (!ok && which != ROLLBACK)
		on_failure(store, database_error(store->database));
	sqlite3_reset(statement);
	return ok;
}

static void close_database(struct store *store)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(store->statement[i]);
		store->statement[i] = NULL;
	}
	sqlite3_close(store->database);
	store->database = NULL;
}

/* 0 or SQLite's code. */
static int open_database(struct store *store)
{
	int result;

	result = sqlite3_open_v2(store->path, &store->database,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				 NULL);
	if (!result)
		result = sqlite3_exec(store->database, schema_sql, NULL, NULL, NULL);
	for (size_t i = 0; !result && i < STATEMENTS; i++)
		result = sqlite3_prepare_v2(store->database, statement_sql[i], -1,
					    &store->statement[i], NULL);
	return result;
}

static bool is_waiting(const struct store *store)
{
	return store->failing && clock_monotonic_ms() < store->retry_at_ms;
}

/* The turn's transaction, begun by its first change. */
static bool begin(struct store *store)
{
	if (store->is_missing && !is_waiting(store)) {
		if (open_database(store)) {
			on_failure(store, "");
			close_database(store);
		}
		store->is_missing = !store->database;
		store->transaction_failed = false;
	}
	if (!store->database || store->transaction_failed || is_waiting(store))
		return false;
	if (!store->in_transaction)
		store->in_transaction = step(store, BEGIN);
	return store->in_transaction;
}

bool store_wants_all(struct store *store)
{
	if (!store->wants_all || is_waiting(store) || !begin(store))
		return false;
	sqlite3_bind_text(store->statement[SET_BOOT], 2, store->boot_id, -1, SQLITE_STATIC);
	return step(store, CLEAR) && step(store, SET_BOOT);
}

void store_put(struct store *store, const struct store_row *row)
{
	struct buf line;

	if (!begin(store))
		return;
	buf_init(&line, store->line, sizeof(store->line));
	store_row_write(&line, row);
	sqlite3_bind_int64(store->statement[PUT], 1, (sqlite3_int64)row->serial);
	sqlite3_bind_text(store->statement[PUT], 2, line.data, (int)line.len, SQLITE_STATIC);
	step(store, PUT);
}

void store_remove(struct store *store, uint64_t serial)
{
	if (!begin(store))
		return;
	sqlite3_bind_int64(store->statement[REMOVE], 1, (sqlite3_int64)serial);
	step(store, REMOVE);
}

void store_commit(struct store *store, uint64_t revision)
{
	bool was_failing = store->failing;

	if (store->in_transaction && !store->transaction_failed) {
		sqlite3_bind_int64(store->statement[SET_REVISION], 1, (sqlite3_int64)revision);
		if (step(store, SET_REVISION) && step(store, COMMIT)) {
			store->failing = store->wants_all = false;
			if (was_failing)
				notice_warning("writing to %s works again", store->folder);
		}
	}
	/* Some errors have rolled it back already; then this one has nothing to do. */
	if (store->transaction_failed && store->in_transaction)
		step(store, ROLLBACK);
	store->in_transaction = store->transaction_failed = false;
}

bool store_wants_retry(const struct store *store)
{
	return store->failing;
}

/* Keeps what is damaged for whoever wants to look at it. */
static void move_aside(struct store *store, const char *name, const char *why)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	long long now = (long long)time(NULL);
	int result = 0;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", name, suffixes[i]);
		snprintf(to, sizeof(to), "%s.damaged-%lld%s", name, now, suffixes[i]);
		if (renameat(store->folder_fd, from, store->folder_fd, to) < 0 && !i)
			result = -errno;
	}
	snprintf(to, sizeof(to), "%s.damaged-%lld", name, now);
	notice_warning("%s/%s: %s; the readable part is taken over, the file is now %s",
		       store->folder, name, why, result ? name : to);
}

/* The rows, in the order of their serials. What is wrong with the file, or NULL. */
static const char *read_rows(struct store *store)
{
	sqlite3_stmt *statement;
	const char *fault = NULL;
	bool same_boot = false;
	int result;

	result = sqlite3_prepare_v2(store->database, "SELECT key, value FROM meta", -1, &statement,
				    NULL);
	while (!result && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *key = (const char *)sqlite3_column_text(statement, 0);
		const char *value = (const char *)sqlite3_column_text(statement, 1);

		if (key && value && !strcmp(key, "boot"))
			same_boot = !strcmp(value, store->boot_id);
		else if (key && !strcmp(key, "revision"))
			store->owner->on_revision(store->owner->arg,
						  (uint64_t)sqlite3_column_int64(statement, 1));
		result = 0;
	}
	sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		return database_error(store->database);
	/* Processes of another boot are not to come back with the next start of this one. */
	store->wants_all = !same_boot;
	result = sqlite3_prepare_v2(store->database, "SELECT row FROM scope ORDER BY serial", -1,
				    &statement, NULL);
	while (!result && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		const void *text = sqlite3_column_text(statement, 0);
		size_t len = (size_t)sqlite3_column_bytes(statement, 0);
		struct store_row row;

		result = 0;
		if (!text || len > sizeof(store->line)) {
			fault = "a row is too long";
			continue;
		}
		memcpy(store->line, text, len);
		if (store_row_read(store->line, len, &row))
			store->owner->on_row(store->owner->arg, &row, same_boot);
		else
			fault = "a row cannot be read";
	}
	if (result != SQLITE_DONE)
		fault = database_error(store->database);
	sqlite3_finalize(statement);
	return fault;
}

static bool is_damage(int result)
{
	return result == SQLITE_CORRUPT || result == SQLITE_NOTADB || result == SQLITE_ERROR;
}

/* Whoever else could write to the folder could set a context in the user's name. */
static const char *folder_fault(struct store *store)
{
	struct stat status;
	int result;

	folder_make(store->folder, 0700);
	result = path_status(store->folder, AT_SYMLINK_NOFOLLOW, &status);
	if (result < 0)
		return strerror(-result);
	if (socket_folder_status_fault(&status))
		return socket_folder_status_fault(&status);
	result = path_status(store->path, AT_SYMLINK_NOFOLLOW, &status);
	if (!result && !S_ISREG(status.st_mode))
		return "it is not a regular file";
	if (!result && status.st_uid != geteuid())
		return "it belongs to another user";
	store->folder_fd = fd_open(AT_FDCWD, store->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (store->folder_fd < 0)
		return strerror(-store->folder_fd);
	/* The lock ends with the process, however it ends. Where folders cannot be locked (NFS),
	 * the lock of the socket has to do. */
	if (flock(store->folder_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return "another service has it";
	return NULL;
}

static void open_file(struct store *store)
{
	const char *name, *fault = folder_fault(store);
	char why[128];
	struct buf boot_id;
	bool is_new;
	int result;

	if (fault) {
		notice_warning("cannot store scopes in %s: %s; going on in memory", store->path,
			       fault);
		return;
	}
	name = store->path + strlen(store->folder) + 1;
	is_new = faccessat(store->folder_fd, name, F_OK, 0) < 0;
	buf_init(&boot_id, store->boot_id, sizeof(store->boot_id));
	process_boot_id(&boot_id);
	result = open_database(store);
	if (!result && is_new)
		sqlite3_exec(store->database, "PRAGMA application_id = " APPLICATION_ID, NULL, NULL,
			     NULL);
	snprintf(why, sizeof(why), "%s", result ? database_error(store->database) : "");
	if (result == SQLITE_CANTOPEN && faccessat(store->folder_fd, ".", W_OK, AT_EACCESS) < 0)
		snprintf(why, sizeof(why), "%s",
			 strerror(errno)); /* SQLite has it of a second try */
	/* A file that can only be read still says what was; this makes SQLite read a cut one. */
	if (is_damage(result))
		sqlite3_exec(store->database, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
	fault = result && is_new ? NULL : read_rows(store);
	if (fault && (!result || is_damage(result))) {
		if (!why[0])
			snprintf(why, sizeof(why), "%s", fault);
		close_database(store);
		move_aside(store, name, why);
		result = open_database(store);
	}
	/* What is not in the database yet is put in the first transaction. */
	store->wants_all |= is_new || fault || result;
	if (result) {
		on_failure(store, why);
		close_database(store);
		/* One that is there but could not be read is not to be overwritten later. */
		store->is_missing = is_new;
	}
}

int store_open(const char *url, const char *name, const struct store_owner *owner,
	       struct store **ret_store)
{
	struct store *store;
	struct text rest = text_of(url);
	struct buf folder, path;

	if (!text_eq(rest, TEXT("memory:")) && !text_eq(rest, TEXT("file:")) &&
	    (!text_starts_with(rest, TEXT("file:/")) || text_ends_with(rest, TEXT("/")) ||
	     rest.len >= PATH_BYTES_MAX)) {
		/* Without the URL, which may hold a password. */
		notice_warning(
			"--store or TAGALONG_STORE is not the URL of a store (file:, file:/PATH, memory:, "
			"redis://HOST, rediss://HOST)");
		return -EPROTONOSUPPORT;
	}
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	*ret_store = store;
	store->owner = owner;
	store->folder_fd = -1;
	if (rest.ptr[0] == 'm')
		return 0;
	rest = text_from(rest, strlen("file:"));
	buf_init(&folder, store->folder, sizeof(store->folder));
	buf_init(&path, store->path, sizeof(store->path));
	if (rest.len) {
		buf_add(&folder, (struct text){ rest.ptr, (size_t)text_find_last(rest, '/') });
		buf_add(&path, rest);
	} else if (folder_of_state(&folder)) {
		buf_add(&path, buf_since(&folder, 0));
		buf_char(&path, '/');
		buf_add(&path, text_of(name));
	} else {
		notice_warning("cannot store scopes: neither XDG_STATE_HOME nor HOME is set");
		return 0;
	}
	if (folder.full || path.full)
		notice_warning("the path of the state is too long; going on in memory");
	else
		open_file(store);
	store->owner = NULL;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	close_database(store);
	fd_close(store->folder_fd);
	free(store);
}
