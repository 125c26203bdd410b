// SPDX-License-Identifier: MIT
/* Scopes: merging, nesting, and which one a process is in, over a made-up process table. */
#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/scopes.h"
#include "daemon/store.h"

static struct scopes scopes;

static struct scope *open_scope(const char *name, pid_t pid, uint64_t start, struct scope *parent)
{
	const struct scope_birth birth = {
		.name = text_of(name), .pid = pid, .start = start, .parent = parent
	};
	struct scope *scope = NULL;

	CHECK(!scopes_open(&scopes, &birth, &scope), name);
	return scope;
}

static int set(struct scope *scope, enum field field, const char *value)
{
	struct text values[FIELD_COUNT] = { { NULL, 0 } };

	values[field] = text_of(value);
	return scopes_set(&scopes, scope, values);
}

static int unset(struct scope *scope, enum field field)
{
	bool fields[FIELD_COUNT] = { false };

	fields[field] = true;
	return scopes_unset(&scopes, scope, fields);
}

static struct text effective(const struct scope *scope, enum field field)
{
	static struct text values[FIELD_COUNT];

	scope_effective(&scopes, scope, values);
	return values[field];
}

static void merging(void)
{
	struct scope *outer, *inner, *named;

	scopes_init(&scopes);
	outer = open_scope("outer", 10, 1, NULL);
	inner = open_scope("inner", 20, 2, outer);
	named = open_scope("named", 0, 0, NULL);
	set(scopes.default_scope, FIELD_USER_ID, "default");
	set(outer, FIELD_TASK_ID, "outer");
	CHECK_TEXT(effective(inner, FIELD_USER_ID), TEXT("default"), "from the default scope");
	CHECK_TEXT(effective(inner, FIELD_TASK_ID), TEXT("outer"), "from the parent");
	CHECK_TEXT(effective(named, FIELD_TASK_ID), TEXT(""), "a named scope has no parent");
	set(inner, FIELD_TASK_ID, "inner");
	CHECK_TEXT(effective(inner, FIELD_TASK_ID), TEXT("inner"), "its own");
	CHECK_TEXT(effective(outer, FIELD_TASK_ID), TEXT("outer"), "not outwards");
	CHECK(unset(inner, FIELD_TASK_ID), "unset");
	CHECK_TEXT(effective(inner, FIELD_TASK_ID), TEXT("outer"), "the parent's again");
	scopes_release(&scopes);
}

static void tracestate_belongs_to_its_traceparent(void)
{
	struct scope *outer, *inner;

	scopes_init(&scopes);
	outer = open_scope("outer", 10, 1, NULL);
	inner = open_scope("inner", 20, 2, outer);
	set(outer, FIELD_TRACEPARENT, "00-a");
	set(outer, FIELD_TRACESTATE, "outer=1");
	CHECK_TEXT(effective(inner, FIELD_TRACESTATE), TEXT("outer=1"), "both from outside");
	set(inner, FIELD_TRACEPARENT, "00-b");
	CHECK_TEXT(effective(inner, FIELD_TRACESTATE), TEXT(""), "another trace");
	set(inner, FIELD_TRACESTATE, "inner=1");
	CHECK_TEXT(effective(inner, FIELD_TRACESTATE), TEXT("inner=1"), "its own");
	set(inner, FIELD_TRACEPARENT, "00-c");
	CHECK_TEXT(effective(inner, FIELD_TRACESTATE), TEXT(""), "gone with its trace");
	unset(inner, FIELD_TRACEPARENT);
	set(inner, FIELD_TRACESTATE, "inner=2");
	CHECK_TEXT(effective(inner, FIELD_TRACEPARENT), TEXT("00-a"), "the outer trace");
	CHECK_TEXT(effective(inner, FIELD_TRACESTATE), TEXT("inner=2"), "continued within");
	scopes_release(&scopes);
}

static void revisions(void)
{
	struct scope *outer, *inner, *other;
	uint64_t before;

	scopes_init(&scopes);
	outer = open_scope("outer", 10, 1, NULL);
	inner = open_scope("inner", 20, 2, outer);
	other = open_scope("other", 30, 3, NULL);
	before = scopes.revision;
	CHECK(set(outer, FIELD_MODE, "a") == 1 && scopes.revision == before + 1, "a change");
	CHECK(set(outer, FIELD_MODE, "a") == 0 && scopes.revision == before + 1, "none");
	CHECK(!unset(outer, FIELD_TASK_ID) && scopes.revision == before + 1, "none either");
	CHECK(scope_effective_changed(&scopes, inner) == before + 1, "reaches what is inside");
	CHECK(scope_effective_changed(&scopes, other) <= before, "and nothing else");
	set(scopes.default_scope, FIELD_MODE, "b");
	CHECK(scope_effective_changed(&scopes, other) == scopes.revision,
	      "the default reaches all");
	scopes_end(&scopes, outer);
	CHECK(scope_effective_changed(&scopes, inner) == scopes.revision, "a parent less");
	scopes_release(&scopes);
}

static void ending(void)
{
	struct scope *a, *b, *c;

	scopes_init(&scopes);
	a = open_scope("a", 10, 1, NULL);
	b = open_scope("b", 20, 2, a);
	c = open_scope("c", 30, 3, b);
	set(a, FIELD_MODE, "a");
	set(b, FIELD_MODE, "b");
	scopes_end(&scopes, b);
	CHECK_TEXT(effective(c, FIELD_MODE), TEXT("a"), "handed to the grandparent");
	CHECK(!scopes_by_name(&scopes, TEXT("b")), "by name");
	CHECK(!scopes_of_process(&scopes, 20, 2), "by process");
	scopes_end(&scopes, a);
	CHECK_TEXT(effective(c, FIELD_MODE), TEXT(""), "to the default scope");
	CHECK(scopes.count == 1 && scopes.processes == 1, "counts");
	CHECK(scopes_after(&scopes, 0) == c && !scopes_after(&scopes, c->serial), "order");
	scopes_release(&scopes);
}

static void limits(void)
{
	struct scope_birth birth = { .name = TEXT("too deep") };
	struct scope *scope = NULL, *deeper;
	char name[16];

	scopes_init(&scopes);
	for (int depth = 0; depth < 64; depth++) {
		snprintf(name, sizeof(name), "%d", depth);
		scope = open_scope(name, 10, 1, scope);
	}
	birth.parent = scope;
	CHECK(scopes_open(&scopes, &birth, &deeper) == -EDQUOT, "64 in each other");
	CHECK(scopes_of_process(&scopes, 10, 1) == scope, "the newest of a process");
	scopes_release(&scopes);
}

static void all_values_together(void)
{
	struct scope_birth birth = {
		.name = TEXT("a"),
		.value = { [FIELD_TASK_ID] = TEXT("12345678"), [FIELD_BAGGAGE] = TEXT("1234") },
		.opened_with = { [FIELD_TASK_ID] = TEXT("not kept"), [FIELD_BAGGAGE] = TEXT("1234") },
	};
	struct scope *scope;

	scopes_init(&scopes);
	scopes.bytes_max = 20;
	CHECK(!scopes_open(&scopes, &birth, &scope) && scopes.bytes == 16, "16 of 20");
	birth.name = TEXT("b");
	CHECK(scopes_open(&scopes, &birth, &scope) == -EDQUOT, "16 more");
	CHECK(set(scope, FIELD_MODE, "12345") == -EDQUOT, "5 more");
	CHECK_TEXT(effective(scope, FIELD_MODE), TEXT(""), "nothing was changed");
	CHECK(set(scope, FIELD_MODE, "1234") == 1 && scopes.bytes == 20, "4 more");
	CHECK(set(scope, FIELD_TASK_ID, "1") == 1 && scopes.bytes == 13, "less");
	CHECK(set(scope, FIELD_TASK_ID, "12345678") == 1, "and back");
	scopes_end(&scopes, scope);
	CHECK(scopes.bytes == 0, "all of it");
	scopes_release(&scopes);
}

static void many(void)
{
	const int count = 5000;
	char name[16];

	scopes_init(&scopes);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		open_scope(name, i + 1, 1, NULL);
	}
	for (int i = 0; i < count; i += 2) {
		snprintf(name, sizeof(name), "s%d", i);
		scopes_end(&scopes, scopes_by_name(&scopes, text_of(name)));
	}
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		CHECK(!scopes_by_name(&scopes, text_of(name)) == !(i % 2), name);
		CHECK(!scopes_of_process(&scopes, i + 1, 1) == !(i % 2), name);
	}
	scopes_release(&scopes);
}

/* The process table of the tests below:
 *
 *     1 -- 10 -- 11 -- 12 -- 13        a shell and what it runs
 *      \-- 20 -- 21                    another one
 *       \- 30                          handed to 1 when its parent died
 */
static struct process table[] = {
	{ .pid = 1, .parent = 0, .start = 0 },	   { .pid = 10, .parent = 1, .start = 100 },
	{ .pid = 11, .parent = 10, .start = 110 }, { .pid = 12, .parent = 11, .start = 120 },
	{ .pid = 13, .parent = 12, .start = 130 }, { .pid = 20, .parent = 1, .start = 100 },
	{ .pid = 21, .parent = 20, .start = 110 }, { .pid = 30, .parent = 1, .start = 115 },
};

static int look(void *arg, pid_t pid, struct process *ret_process)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].pid != pid)
			continue;
		*ret_process = table[i];
		return 0;
	}
	return -ESRCH;
}

static struct scope *nearest(pid_t pid, const char *token)
{
	const struct process_table processes = { .lookup = look };
	const struct requester requester = { pid, UINT64_MAX, text_of(token) };
	struct scope *scope = NULL;

	CHECK(!nearest_scope(&scopes, &processes, &requester, &scope), "it can be found out");
	return scope;
}

static void ancestry(void)
{
	struct scope *outer, *inner, *other;

	scopes_init(&scopes);
	CHECK(!nearest(13, NULL), "no scope at all");
	outer = open_scope("outer", 10, 100, NULL);
	inner = open_scope("inner", 12, 120, outer);
	other = open_scope("other", 20, 100, NULL);
	CHECK(nearest(10, NULL) == outer, "the process itself");
	CHECK(nearest(11, NULL) == outer, "its child");
	CHECK(nearest(13, NULL) == inner, "the nearest of two");
	CHECK(nearest(21, NULL) == other, "another tree");
	CHECK(!nearest(30, NULL), "in no tree");
	CHECK(!nearest(0, NULL), "another pid namespace");
	scopes_release(&scopes);
}

static void tokens(void)
{
	struct scope *outer, *inner, *other, *named, *later;

	scopes_init(&scopes);
	outer = open_scope("outer", 10, 100, NULL);
	CHECK(nearest(13, "outer") == outer, "token and ancestor are one");
	CHECK(nearest(30, "outer") == outer, "handed on: the token holds");
	CHECK(nearest(0, "outer") == outer, "also when the process cannot be seen");
	CHECK(nearest(13, "unheard-of") == outer, "an unknown token is as none");
	CHECK(!nearest(30, "unheard-of"), "here as well");

	inner = open_scope("inner", 12, 120, outer);
	CHECK(nearest(13, "outer") == inner, "a nearer ancestor wins over an inherited token");
	CHECK(nearest(30, "inner") == inner, "handed on from the inner scope");
	CHECK(nearest(11, "inner") == inner, "a nearer token wins over an ancestor");

	other = open_scope("other", 20, 100, NULL);
	CHECK(nearest(21, "inner") == inner, "handed from one tree into another");
	CHECK(nearest(21, "other") == other, "its own");

	named = open_scope("named", 0, 0, NULL);
	CHECK(nearest(13, "named") == named, "a name was put there on purpose");

	/* A scope that was opened around an older one. */
	later = open_scope("later", 10, 100, outer);
	open_scope("child", 21, 110, later);
	CHECK(nearest(13, "later") == inner, "the token's process stands further out");
	scopes_release(&scopes);
}

static void reused_pids(void)
{
	const struct process_table processes = { .lookup = look };
	struct requester requester = { 11, 109, TEXT("") };
	struct scope *outer, *scope = NULL;

	scopes_init(&scopes);
	open_scope("before", 11, 50, NULL); /* of a process 11 that began earlier */
	CHECK(!nearest(11, NULL), "another start, another process");
	outer = open_scope("outer", 10, 100, NULL);
	CHECK(nearest(11, NULL) == outer, "the walk goes on past it");
	CHECK(nearest_scope(&scopes, &processes, &requester, &scope) == -ESRCH,
	      "the requester began after it asked");
	requester.not_after = 110;
	CHECK(!nearest_scope(&scopes, &processes, &requester, &scope) && scope == outer,
	      "the requester itself");
	requester.pid = 99;
	CHECK(nearest_scope(&scopes, &processes, &requester, &scope) == -ESRCH, "one that has ended");

	table[1].start = 115; /* 10 is now somebody younger than its supposed child */
	open_scope("young", 10, 115, NULL);
	CHECK(!nearest(11, NULL), "a parent is not younger than its child");
	table[1].start = 100;
	scopes_release(&scopes);
}

static void loops(void)
{
	scopes_init(&scopes);
	open_scope("elsewhere", 20, 100, NULL);
	table[0].parent = 13; /* 1 -> 13 -> 12 -> 11 -> 10 -> 1 */
	table[0].start = 130;
	for (int i = 1; i < 5; i++)
		table[i].start = 130;
	CHECK(!nearest(13, NULL), "ends");
	scopes_release(&scopes);
}

static void stat_lines(void)
{
	struct process process = { 0 };

	CHECK(process_parse(TEXT("42 (a b) c) (d) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 "
				 "123456789 1000 200"), &process), "a name with brackets");
	CHECK(process.pid == 42 && process.parent == 7 && process.start == 123456789,
	      "its numbers");
	CHECK(!process.has_ended, "it runs");
	CHECK(process_parse(TEXT("42 (x) Z 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9 0"),
			    &process) && process.has_ended, "a zombie");
	CHECK(!process_parse(TEXT(""), &process), "empty");
	CHECK(!process_parse(TEXT("42 (x) S 7 42"), &process), "cut off");
	CHECK(!process_parse(TEXT("42 x S 7"), &process), "no name");
	CHECK(!process_parse(TEXT("(x) S 7"), &process), "no pid");
	CHECK(!process_lookup(NULL, 1, &process) && process.pid == 1, "/proc");
	CHECK(!process_lookup(NULL, getpid(), &process) && process.parent == getppid(), "this one");
	CHECK(process.start <= process_ticks(), "began before now");
	CHECK(process_shares_pids(getpid()) && !process_shares_pids(0), "pids");
}

static void state_rows(void)
{
	struct store_row row = { .name = TEXT("run-1"), .parent = TEXT("run-0"), .revision = 9,
				 .serial = 3, .pid = 42, .start = UINT64_MAX }, back;
	char line[512];
	struct buf buf;

	row.value[FIELD_TASK_ID] = TEXT("T-\"1\"");
	row.opened_with[FIELD_BAGGAGE] = TEXT("a=b");
	buf_init(&buf, line, sizeof(line));
	store_row_write(&buf, &row);
	CHECK(store_row_read(line, buf.len, &back), "a row");
	CHECK_TEXT(back.name, row.name, "name");
	CHECK_TEXT(back.parent, row.parent, "parent");
	CHECK_TEXT(back.value[FIELD_TASK_ID], row.value[FIELD_TASK_ID], "value");
	CHECK_TEXT(back.opened_with[FIELD_BAGGAGE], row.opened_with[FIELD_BAGGAGE], "opened_with");
	CHECK(back.revision == 9 && back.serial == 3 && back.pid == 42, "numbers");
	CHECK(back.start == UINT64_MAX, "start");

	buf_cut(&buf, 0);
	store_row_write(&buf, &row);
	CHECK(!store_row_read(line, buf.len - 1, &back), "cut off");
}

static const struct suite_test tests[] = {
	TEST(merging), TEST(tracestate_belongs_to_its_traceparent), TEST(revisions), TEST(ending),
	TEST(limits), TEST(all_values_together), TEST(many), TEST(ancestry), TEST(tokens),
	TEST(reused_pids), TEST(loops), TEST(stat_lines), TEST(state_rows),
};

SUITE("scope", tests)
