// SPDX-License-Identifier: MIT
/* The project's name, from real repositories that git makes, and from hostile ones. */
#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/limits.h"
#include "core/project.h"

static char folder[] = "/tmp/tagalong-XXXXXX";

static void shell(const char *script)
{
	char *command = NULL;

	if (asprintf(&command,
		     "cd %s && export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null "
		     "GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a "
		     "GIT_COMMITTER_EMAIL=a@b && { %s; } >/dev/null 2>&1",
		     folder, script) < 0)
		return;
	CHECK(!system(command), script);
	free(command);
}

static void expect(const char *below, int result, const char *name)
{
	char path[PATH_BYTES_MAX], memory[PROJECT_ID_BYTES_MAX + 1];
	struct buf id;

	snprintf(path, sizeof(path), "%s%s", folder, below);
	buf_init(&id, memory, sizeof(memory));
	CHECK(project_of_folder(path, &id) == result, below);
	CHECK_TEXT(buf_since(&id, 0), text_of(name), below);
}

static void repositories(void)
{
	shell("git init plain && cd plain && git remote add origin https://git.example/team/billing.git"
	      " && mkdir -p a/b/c && git commit --allow-empty -m x"
	      " && git worktree add ../tree && mkdir -p ../tree/deep");
	expect("/plain", 0, "billing");
	expect("/plain/a/b/c", 0, "billing");
	expect("/plain/no/such/folder", 0, "billing");
	expect("/tree", 0, "billing");
	expect("/tree/deep", 0, "billing");
	shell("git init sub && cd sub && git commit --allow-empty -m x"
	      " && cd ../plain && git -c protocol.file.allow=always submodule add $PWD/../sub vendored"
	      " && cd vendored && git remote set-url origin git@git.example:team/vendored.git");
	expect("/plain/vendored", 0, "vendored");
	shell("git init bare-remote && cd bare-remote && git remote add upstream x:/up.git");
	expect("/bare-remote", -ENOENT, "");
	shell("mkdir nothing");
	expect("/nothing", -ENOENT, "");
	/* the nearer repository counts, even without an origin */
	shell("mkdir -p plain/inner && cd plain/inner && git init .");
	expect("/plain/inner", -ENOENT, "");
	shell("ln -s plain link");
	expect("/link/a", 0, "billing");
}

static void hostile(void)
{
	shell("mkdir fifo && mkfifo fifo/.git");
	expect("/fifo", -EINVAL, "");
	shell("mkdir loop && ln -s .git loop/.git");
	expect("/loop", -ENOENT, "");
	shell("mkdir garbage && printf 'gitdir' > garbage/.git");
	expect("/garbage", -EINVAL, "");
	shell("mkdir away && printf 'gitdir: /nonexistent/x\\n' > away/.git");
	expect("/away", -ENOENT, "");
	shell("mkdir -p huge/.git && head -c 70000 /dev/zero | tr '\\0' '#' > huge/.git/config");
	expect("/huge", -EFBIG, "");
	shell("mkdir -p pipe/.git && mkfifo pipe/.git/config");
	expect("/pipe", -EINVAL, "");
	shell("mkdir zero && printf 'gitdir: /dev/zero\\n' > zero/.git");
	expect("/zero", -ENOTDIR, "");
	shell("mkdir itself && printf 'gitdir: .git\\n' > itself/.git");
	expect("/itself", -ENOTDIR, "");
	shell("mkdir -p device/.git && ln -s /dev/zero device/.git/config");
	expect("/device", -EINVAL, "");
	shell("mkdir -p common/.git && ln -s /dev/zero common/.git/commondir && "
	      "printf '[remote \"origin\"]\\n\turl = x:/c.git\\n' > common/.git/config");
	expect("/common", 0, "c");
	shell("mkdir -p other/.git && printf '[include]\\n\tpath = ../../plain/.git/config\\n"
	      "[includeIf \"gitdir:/\"]\\n\tpath = ../../plain/.git/config\\n' > other/.git/config");
	expect("/other", -ENOENT, "");
	shell("mkdir -p long/.git && { printf '[remote \"origin\"]\\n\\turl = https://x/'; "
	      "head -c 5000 /dev/zero | tr '\\0' a; printf '\\n'; } > long/.git/config");
	expect("/long", -ENOENT, "");
}

static void configurations(void)
{
	static const struct {
		const char *config, *url; /* NULL: no origin */
	} table[] = {
		{ "[remote \"origin\"]\n\turl = https://x/a.git\n", "https://x/a.git" },
		{ "[remote \"origin\"]\nurl=a", "a" },
		{ "[remote \"origin\"] url = a\n", "a" },
		{ "[REMOTE \"origin\"]\nURL = a\n", "a" },
		{ "[remote \"Origin\"]\nurl = a\n", NULL },
		{ "[remote \"originx\"]\nurl = a\n", NULL },
		{ "[remote]\nurl = a\n", NULL },
		{ "[remote \"up\"]\nurl = b\n[remote \"origin\"]\n\tfetch = +x\n\turl = a\n", "a" },
		{ "[remote \"origin\"]\nurl = \"a b\" ; comment\n", "a b" },
		{ "[remote \"origin\"]\nurl = a # comment\n", "a" },
		{ "[remote \"origin\"]\nurl = \"a#b\"\n", "a#b" },
		{ "[remote \"origin\"]\nurl = a\\\nb\n", "ab" },
		{ "[remote \"origin\"]\nurl = \\\"a\\\\b\n", "\"a\\b" },
		{ "[remote \"origin\"]\r\n\turl = a\r\n", "a" },
		{ "# [remote \"origin\"]\n; url = x\n[remote \"origin\"]\n# url = x\nurl = a\n", "a" },
		{ "[core]\nx = \"[remote \\\"origin\\\"]\\\n\"\nurl = b\n", NULL },
		{ "[remote \"origin\"]\nurl\n", NULL },
		{ "[remote \"origin\"]\nurl =\n", NULL },
		{ "[remote \"origin\"\nurl = a\n", NULL },
		{ "", NULL },
		{ "[", NULL },
		{ "=\n]\n\"", NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char memory[64];
		struct text url = { NULL, 0 };
		struct buf buf;
		bool found;

		buf_init(&buf, memory, sizeof(memory));
		found = git_config_origin(text_of(table[i].config), &buf, &url);
		CHECK(found == (table[i].url != NULL), table[i].config);
		if (found)
			CHECK_TEXT(url, text_of(table[i].url), table[i].config);
	}
}

static void names(void)
{
	static const char *const table[][2] = {
		{ "https://git.example/team/billing.git", "billing" },
		{ "https://git.example/team/billing", "billing" },
		{ "https://git.example/team/billing.git/", "billing" },
		{ "git@git.example:team/billing.git", "billing" },
		{ "git.example:billing.git", "billing" },
		{ "ssh://git@git.example:22/billing.git", "billing" },
		{ "/srv/git/billing.git", "billing" },
		{ "../billing", "billing" },
		{ "billing.git.git", "billing.git" },
		{ "/", "" },
		{ "", "" },
		{ "https://user:secret@git.example", "" },
		{ "https://user:secret@git.example/", "" },
		{ "https://secret@git.example:443", "" },
		{ "https://user:sec/ret@git.example/x.git?token=secret", "x" },
		{ "https://git.example/x?a=b/secret", "x" },
		{ "https://git.example/x.git#b:secret", "x" },
		{ "https://git.example?token=a/secret", "" },
		{ "file:///srv/git/billing.git", "billing" },
		{ "://", "" },
		{ "host:a?b", "a?b" },
	};
	char longer[205];
	struct text name;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_TEXT(git_url_name(text_of(table[i][0])), text_of(table[i][1]), table[i][0]);
	memset(longer, 'a', sizeof(longer));
	longer[0] = '/';
	memcpy(longer + 200, "tail", 5);
	name = git_url_name(text_of(longer));
	CHECK(name.len == PROJECT_ID_BYTES_MAX && text_ends_with(name, TEXT("tail")), "the last 100");
}

/* The same folder is asked once a second, another one at once. */
static void of_process(void)
{
	char memory[PROJECT_ID_BYTES_MAX + 1], path[64], before[PATH_BYTES_MAX];
	struct buf id;

	CHECK(getcwd(before, sizeof(before)) != NULL, "cwd");
	snprintf(path, sizeof(path), "%s/plain/a", folder);
	CHECK(!chdir(path), "chdir");
	for (int i = 0; i < 2; i++) {
		buf_init(&id, memory, sizeof(memory));
		CHECK(!project_of_process(&id), "ask");
		CHECK_TEXT(buf_since(&id, 0), TEXT("billing"), "answer");
	}
	snprintf(path, sizeof(path), "%s/nothing", folder);
	CHECK(!chdir(path), "chdir");
	buf_init(&id, memory, sizeof(memory));
	CHECK(project_of_process(&id) == -ENOENT && !id.len, "elsewhere");
	snprintf(path, sizeof(path), "%s/removed", folder);
	shell("mkdir removed");
	CHECK(!chdir(path) && !rmdir(path), "a folder that is gone");
	CHECK(project_of_process(&id) < 0 && !id.len, "no answer");
	CHECK(!chdir(before), "back");
}

static void make_folder(void)
{
	CHECK(mkdtemp(folder) != NULL, "folder");
}

static void remove_folder(void)
{
	char *command = NULL;

	if (asprintf(&command, "rm -rf %s", folder) >= 0)
		CHECK(!system(command), "clean up");
	free(command);
}

static const struct suite_test tests[] = {
	TEST(make_folder), TEST(repositories),	 TEST(hostile), TEST(configurations),
	TEST(names),	   TEST(of_process), TEST(remove_folder),
};

SUITE("project", tests)
