// SPDX-License-Identifier: MIT
/* Whether there is surely no socket still, by its folder. */
#include "suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/socket_path.h"

/* Longer than a folder's change has to be ago. */
static const unsigned a_while_s = 2;

static char folder[] = "/dev/shm/tagalong-XXXXXX";

static void find(struct socket_absence *absence, const char *below)
{
	*absence = (struct socket_absence){ 0 };
	snprintf(absence->path, sizeof(absence->path), "%s%s", folder, below);
	socket_is_absent(absence);
}

static void make_file(const char *below)
{
	char path[sizeof(folder) + 32];

	snprintf(path, sizeof(path), "%s%s", folder, below);
	CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0, below);
}

static void make_folder(const char *below)
{
	char path[sizeof(folder) + 32];

	snprintf(path, sizeof(path), "%s%s", folder, below);
	CHECK(mkdir(path, 0700) == 0, below);
}

static void make_link(const char *below, const char *target)
{
	char path[sizeof(folder) + 32];

	snprintf(path, sizeof(path), "%s%s", folder, below);
	CHECK(symlink(target, path) == 0, below);
}

static void test_absence(void)
{
	struct socket_absence above, beside, there, fresh, far, link;

	CHECK(mkdtemp(folder) != NULL, "tmpfs");
	make_folder("/b");
	make_file("/b/there");
	make_link("/link", "c");
	find(&fresh, "/b/context.sock");
	CHECK(!fresh.inode, "its folder has just changed");
	CHECK(socket_is_absent(&fresh), "but the socket can be looked for");

	sleep(a_while_s);
	find(&above, "/a/context.sock");
	find(&beside, "/b/context.sock");
	find(&there, "/b/there");
	find(&far, "/v/w/x/y/context.sock");
	find(&link, "/link/context.sock");
	CHECK_TEXT(text_of(above.path), text_of(folder), "the folder above");
	CHECK(above.inode && beside.inode, "by a folder");
	CHECK(!there.inode && !far.inode, "one that is there, and one too far away");
	CHECK(socket_is_absent(&above) && socket_is_absent(&beside), "nothing changed");
	CHECK(!socket_is_absent(&there) && socket_is_absent(&far), "by themselves");

	make_folder("/c");
	make_file("/c/context.sock");
	CHECK(!link.inode && !socket_is_absent(&link), "a symlink's target that was not there");
	find(&above, "/a/context.sock");
	CHECK(!above.inode && socket_is_absent(&above), "a look that cannot be saved yet");
	sleep(a_while_s);
	CHECK(socket_is_absent(&above) && socket_is_absent(&above) && above.inode,
	      "the fourth look");

	make_file("/b/context.sock");
	CHECK(!socket_is_absent(&beside) && !socket_is_absent(&fresh), "there is one");
	CHECK(socket_is_absent(&above), "but not here");
	make_folder("/a");
	CHECK(!socket_is_absent(&above), "its folder may have one");
}

static void test_file_systems_that_make_up_names(void)
{
	struct socket_absence absence = { .path = "/proc/nonexistent/context.sock" };

	CHECK(socket_is_absent(&absence) && !absence.inode, __func__);
	CHECK(socket_is_absent(&absence), __func__);
}

static void test_ends(void)
{
	char command[sizeof(folder) + 16];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	CHECK(system(command) == 0, __func__);
}

static const struct suite_test tests[] = {
	TEST(test_absence),
	TEST(test_file_systems_that_make_up_names),
	TEST(test_ends),
};

SUITE("socket", tests)
