// SPDX-License-Identifier: MIT
/* The pure helpers: text, buffers, and memory that fork wipes. */
#include "suite.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/forkwipe.h"

#include <errno.h>
#include <fcntl.h>
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

/* pitfall 32 */
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

	/* pitfall 33: with 0 closed, what we open does not become standard input */
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

static const struct suite_test tests[] = {
	TEST(texts), TEST(buffers), TEST(largest_number), TEST(fork_wipes), TEST(files),
};

SUITE("base", tests)
