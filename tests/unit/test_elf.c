// SPDX-License-Identifier: MIT
/* Whether a file needs a libcurl: the fuzzer's seeds, which are small objects that linkers made, and
 * what was cut from them. */
#include "suite.h"

#include <errno.h>
#include <unistd.h>

#include "preload/elf.h"

#define SEEDS "tests/fuzz/seeds/elf/"

static void objects(void)
{
	const bool wide = __WORDSIZE == 64;
	const struct {
		const char *file;
		bool needs;
	} rows[] = {
		{ "needs-64", wide },
		{ "needs-aarch64", wide },
		{ "needs-32", !wide },
		{ "needs-gnutls", wide },
		{ "plain-64", false },
		{ "libcurl-itself", false },
		{ "cut-header", false },
		{ "cut-dynamic", false },
		{ "cut-strings", false },
		/* The entry that ends the table stands before the one that says where the names are:
		 * libelf, and the loader, look no further. */
		{ "end-before-strings", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), SEEDS "%s", rows[i].file);
		CHECK(!access(path, R_OK), path);
		CHECK(elf_needs(path, "libcurl") == rows[i].needs, path);
		CHECK(!elf_needs(path, "libcurl.so.9"), path);
	}
}

static void no_objects(void)
{
	static const char *const paths[] = { SEEDS "nothing", SEEDS, "/dev/null", "" };
	int next = dup(STDIN_FILENO);

	close(next);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		errno = EXDEV;
		CHECK(!elf_needs(paths[i], "libcurl"), paths[i]);
		CHECK(errno == EXDEV, paths[i]);
	}
	CHECK(dup(STDIN_FILENO) == next, "no descriptor stays open");
	close(next);
}

static const struct suite_test tests[] = {
	TEST(objects),
	TEST(no_objects),
};

SUITE("elf", tests)
