// SPDX-License-Identifier: MIT
/* The pure helpers: text, buffers, and memory that fork wipes. */
#include "suite.h"

#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fdio.h"
#include "core/folder.h"
#include "lib/forkwipe.h"
#include "core/log.h"
#include "lib/clock.h"
#include "lib/lock.h"
#include "lib/random.h"
#include "core/variables.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

static void texts(void)
{
	struct text rest = TEXT("a,,b,"), part;
	unsigned long number = 7;

	CHECK(text_next(&rest, ',', &part) && text_eq(part, TEXT("a")), "first");
	CHECK(text_next(&rest, ',', &part) && !part.len, "empty part");
	CHECK(text_next(&rest, ',', &part) && text_eq(part, TEXT("b")), "last");
	CHECK(!text_next(&rest, ',', &part), "end");
	CHECK_TEXT(text_trim(TEXT(" \ta b\t ")), TEXT("a b"), "trim");
	CHECK(!text_trim(TEXT("  ")).len, "only blanks");
	CHECK(text_eq_nocase(TEXT("X-Task-ID"), TEXT("x-tASK-id")), "case");
	CHECK(!text_eq_nocase(TEXT("\xc3\x84"), TEXT("\xc3\xa4")), "ASCII only");
	CHECK(text_ends_with(TEXT("abc"), TEXT("bc")) && !text_ends_with(TEXT("c"), TEXT("bc")), "end");
	CHECK(text_find(TEXT("abcb"), 'b') == 1 && text_find_last(TEXT("abcb"), 'b') == 3, "find");
	CHECK(text_find((struct text){ NULL, 0 }, 'b') == -1, "find in nothing");
	CHECK(text_number(TEXT("65535"), 65535, &number) && number == 65535, "number");
	CHECK(!text_number(TEXT("65536"), 65535, &number), "too large");
	CHECK(!text_number(TEXT("99999999999999999999"), 65535, &number), "far too large");
	CHECK(!text_number(TEXT(""), 9, &number) && !text_number(TEXT("1x"), 9, &number) &&
		      !text_number(TEXT("-1"), 9, &number),
	      "no numbers");
}

static void buffers(void)
{
	char memory[8];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	buf_add(&buf, TEXT("abc"));
	buf_number(&buf, 1234);
	CHECK(!buf.full && buf.len == 7, "exactly full");
	buf_char(&buf, 'x');
	CHECK(buf.full && buf.len == 7 && !strcmp(memory, "abc1234"), "one too many");
	buf_cut(&buf, 3);
	CHECK(!buf.full && !strcmp(memory, "abc"), "cut");
	buf_hex(&buf, (const uint8_t[]){ 0xde, 0xad }, 2);
	CHECK(!buf.full && !strcmp(memory, "abcdead"), "hex, exactly full");
	buf_cut(&buf, 4);
	buf_hex(&buf, (const uint8_t[]){ 0xde, 0xad }, 2);
	CHECK(buf.full && !strcmp(memory, "abcd"), "hex is whole or not at all");
	buf_cut(&buf, 3);
	buf_add(&buf, TEXT("12345"));
	CHECK(buf.full && !strcmp(memory, "abc"), "whole or not at all");
	buf_cut(&buf, 0);
	buf_number(&buf, 0);
	buf_hex(&buf, (const uint8_t[]){ 0x0f, 0xa0 }, 2);
	CHECK_TEXT(buf_since(&buf, 0), TEXT("00fa0"), "hex");
}

static void largest_number(void)
{
	char memory[32];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	buf_number(&buf, UINT64_MAX);
	CHECK_TEXT(buf_since(&buf, 0), TEXT("18446744073709551615"), "2^64 - 1");
}

static void fork_wipes(void)
{
	static struct forkwipe slot;
	unsigned char *page = forkwipe_get(&slot);
	int status = 0;
	pid_t child;

	CHECK(page && page == forkwipe_get(&slot), "one page");
	if (!page)
		return;
	memset(page, 0xAB, FORKWIPE_BYTES);
	child = fork();
	if (!child)
		_exit(page[0] || page[FORKWIPE_BYTES - 1] || forkwipe_get(&slot) != (void *)page);
	waitpid(child, &status, 0);
	CHECK(status == 0, "zeros in the child");
	CHECK(page[0] == 0xAB && page[FORKWIPE_BYTES - 1] == 0xAB, "as it was in the parent");
}

/* Two ends of a connection. */
static bool connect_ends(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	bool done;

	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	done = !bind(listener, (struct sockaddr *)&address, size) && !listen(listener, 1) &&
	       !getsockname(listener, (struct sockaddr *)&address, &size) &&
	       !connect(ends[0], (struct sockaddr *)&address, size);
	ends[1] = done ? accept(listener, NULL, NULL) : -1;
	close(listener);
	return ends[1] >= 0;
}

static void debug_lines(void)
{
	int ends[2], file[2], saved = dup(2);
	char got[64];

	CHECK(connect_ends(ends) && !pipe(file), "connections");
	setenv("TAGALONG_DEBUG", "stderr", 1);
	dup2(ends[0], 2);
	log_line(TEXT("into a host's connection"));
	dup2(file[1], 2);
	log_line(TEXT("into a pipe"));
	dup2(saved, 2);
	unsetenv("TAGALONG_DEBUG");
	CHECK(recv(ends[1], got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN, "nothing");
	CHECK(read(file[0], got, sizeof(got)) > 11, "a line");
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(file[i]);
	}
	close(saved);
}

#define DRAWS 400 /* of 8 bytes: several times what is asked of the kernel at once */
#define DRAWERS 4

static int by_value(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

static bool all_differ(uint64_t *drawn, size_t count)
{
	qsort(drawn, count, sizeof(drawn[0]), by_value);
	for (size_t i = 1; i < count; i++) {
		if (drawn[i] == drawn[i - 1])
			return false;
	}
	return true;
}

static void *draw(void *arg)
{
	uint64_t *drawn = arg;

	for (size_t i = 0; i < DRAWS; i++) {
		if (random_fill((uint8_t *)&drawn[i], sizeof(drawn[i])))
			return arg;
	}
	return NULL;
}

static void randoms(void)
{
	static uint64_t drawn[DRAWERS * DRAWS];
	pthread_t thread[DRAWERS];
	uint8_t most[256], more[256];
	void *failed;

	for (size_t i = 0; i < DRAWERS; i++)
		CHECK(!pthread_create(&thread[i], NULL, draw, drawn + i * DRAWS), "thread");
	for (size_t i = 0; i < DRAWERS; i++) {
		pthread_join(thread[i], &failed);
		CHECK(!failed, "drawn");
	}
	CHECK(all_differ(drawn, DRAWERS * DRAWS), "no thread gets what another got");
	CHECK(!random_fill(most, sizeof(most)) && !random_fill(more, sizeof(more)) &&
		      memcmp(most, more, sizeof(most)),
	      "all at once");
}

static void randoms_of_a_child(void)
{
	uint64_t drawn[2 * DRAWS] = { 0 };
	int ends[2];
	pid_t child;

	CHECK(!random_fill((uint8_t *)drawn, 8) && !pipe(ends), "some are left over, and a pipe");
	child = fork();
	if (!child)
		_exit(draw(drawn) || write(ends[1], drawn, DRAWS * 8) != DRAWS * 8);
	CHECK(!draw(drawn) && read(ends[0], drawn + DRAWS, DRAWS * 8) == DRAWS * 8, "drawn");
	CHECK(all_differ(drawn, 2 * DRAWS), "a child gets others");
	waitpid(child, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

static void *take_lock(void *arg)
{
	return lock_take(arg) ? arg : NULL;
}

static void *take_lock_often(void *arg)
{
	bool taken = false;

	for (int i = 0; i < 100; i++)
		taken = lock_take(arg) || taken;
	return taken ? arg : NULL;
}

static bool taken_by_another(struct lock *lock, void *(*take)(void *lock))
{
	pthread_t thread;
	void *result = NULL;

	return !pthread_create(&thread, NULL, take, lock) && !pthread_join(thread, &result) && result;
}

static void locks(void)
{
	struct lock lock = { 0 };
	uint64_t before;

	CHECK(lock_take(&lock) && lock_take(&lock), "a thread that comes by again takes it over");
	before = clock_monotonic_ms();
	CHECK(!taken_by_another(&lock, take_lock) && clock_monotonic_ms() - before < 2000, "another one gives up");
	before = clock_monotonic_ms();
	CHECK(!taken_by_another(&lock, take_lock_often), "and so does everybody after it");
	CHECK(clock_monotonic_ms() - before < 1000, "at once");
	lock_release(&lock);
	CHECK(taken_by_another(&lock, take_lock), "when the owner has come back");
}

static void files(void)
{
	char folder[] = "/tmp/tagalong-XXXXXX", path[64], memory[16];
	struct buf buf;
	int fd, none;

	CHECK(mkdtemp(folder) != NULL, "folder");
	snprintf(path, sizeof(path), "%s/file", folder);
	fd = fd_open(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
	CHECK(fd > 2 && write(fd, "0123456789abcde", 15) == 15, "write");
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close on exec");
	fd_close(fd);
	buf_init(&buf, memory, sizeof(memory));
	CHECK(!file_read(AT_FDCWD, path, &buf) && buf.len == 15, "a file that just fits");
	buf_init(&buf, memory, sizeof(memory) - 1);
	CHECK(file_read(AT_FDCWD, path, &buf) == -EFBIG && !buf.len, "one byte too large");
	unlink(path);
	CHECK(file_read(AT_FDCWD, path, &buf) == -ENOENT, "no file");
	CHECK(!mkfifo(path, 0600), "FIFO");
	CHECK(file_read(AT_FDCWD, path, &buf) == -EINVAL, "a FIFO does not block");
	CHECK(file_read(AT_FDCWD, folder, &buf) == -EINVAL, "a folder");
	unlink(path);
	rmdir(folder);

	/* with 0 closed, what we open does not become standard input */
	none = dup(0);
	close(0);
	fd = fd_open(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	CHECK(fd > 2, "never below 3");
	CHECK(fcntl(0, F_GETFD) < 0, "0 is still closed");
	fd_close(fd);
	if (none >= 0)
		dup2(none, 0);
	close(none);
}

/* A descriptor that cannot be read: a folder's, and one that is none. */
static void unreadable(void)
{
	int bad[] = { fd_open(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0), -1 };
	int errors[] = { -EISDIR, -EBADF };
	char memory[8];
	struct buf buf;

	for (size_t i = 0; i < 2; i++) {
		buf_init(&buf, memory, sizeof(memory));
		CHECK(fd_read(bad[i], &buf) == errors[i] && !buf.len, i ? "none" : "a folder");
	}
	fd_close(bad[0]);
}

static void state_folders(void)
{
	static const struct {
		const char *state, *home, *folder; /* NULL: none */
	} table[] = {
		{ "/s", "/h", "/s/tagalong" },
		{ NULL, "/h", "/h/.local/state/tagalong" },
		{ "", "/h", "/h/.local/state/tagalong" },
		{ "s", "/h", "/h/.local/state/tagalong" }, /* relative ones do not count */
		{ "s", "h", NULL },
		{ NULL, NULL, NULL },
		{ NULL, "", NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *folder = table[i].folder;
		char memory[64];
		struct buf path;

		unsetenv("XDG_STATE_HOME");
		unsetenv("HOME");
		if (table[i].state)
			setenv("XDG_STATE_HOME", table[i].state, 1);
		if (table[i].home)
			setenv("HOME", table[i].home, 1);
		buf_init(&path, memory, sizeof(memory));
		CHECK(folder_of_state(&path) == (folder != NULL), folder ? folder : "none");
		if (folder)
			CHECK_TEXT(buf_since(&path, 0), text_of(folder), folder);
	}
}

static void count_scanned(void *arg, const char *variable)
{
	unsigned *counts = arg;
	const char *value;
	struct text name;

	if (!variable_split(variable, &name, &value))
		return;
	counts[0]++;
	counts[1] += text_eq(name, TEXT("A")) && !strcmp(value, "b=c");
}

/* An environment as a host may make it: without entries, with some that are none. */
static void odd_environments(void)
{
	static char good[] = "A=b=c", odd[] = "no equals sign", empty[] = "";
	char *entries[] = { odd, good, empty, NULL }, **saved = environ;
	unsigned counts[2] = { 0, 0 };

	environ = entries;
	variables_scan(count_scanned, counts);
	CHECK(counts[0] == 1 && counts[1] == 1, "the good one");
	environ = NULL;
	variables_scan(count_scanned, counts);
	CHECK(counts[0] == 1, "none at all");
	environ = saved;
	setenv("TAGALONG_OFF", "0", 1);
	CHECK(!variable_is_on(VARIABLE_OFF), "0 is not on");
	setenv("TAGALONG_OFF", "1", 1);
	CHECK(variable_is_on(VARIABLE_OFF), "1 is");
	unsetenv("TAGALONG_OFF");
	CHECK(!variable_is_on(VARIABLE_OFF), "nor is nothing");
}

static const struct suite_test tests[] = {
	TEST(texts), TEST(buffers), TEST(largest_number), TEST(fork_wipes),
	TEST(locks), TEST(randoms), TEST(randoms_of_a_child), TEST(debug_lines), TEST(files),
	TEST(unreadable), TEST(state_folders), TEST(odd_environments),
};

SUITE("base", tests)
