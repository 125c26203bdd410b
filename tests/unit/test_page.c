// SPDX-License-Identifier: MIT
/* Shared pages: written, copied and read, also while they are written (no lock). */
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "protocol/page.h"

static struct shared_page page;
static uint32_t memory[SHARED_PAGE_TEXT_BYTES / 4];
static const struct text nothing[FIELD_COUNT];

static void fresh_page(void)
{
	memset(&page, 0, sizeof(page));
}

static int read_page(struct wire_reply *reply)
{
	size_t len = 0;
	int result = shared_page_copy(&page, memory, sizeof(memory), &len);

	return result ? result : shared_page_read((const char *)memory, len, reply);
}

static void test_round_trip(void)
{
	struct text value[FIELD_COUNT] = { 0 }, opened_with[FIELD_COUNT] = { 0 };
	struct wire_reply reply;

	fresh_page();
	for (enum field field = 0; field < FIELD_COUNT; field += 3)
		value[field] = text_of(field_variable(field));
	value[FIELD_TRACEPARENT] = TEXT("00-x");
	opened_with[FIELD_TRACEPARENT] = TEXT("00-y");
	shared_page_write(&page, value, opened_with);
	CHECK(read_page(&reply) == 0, __func__);
	CHECK(reply.ok && reply.has_context, __func__);
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		CHECK_TEXT(reply.value[field], value[field], field_name(field));
		CHECK_TEXT(reply.opened_with[field], opened_with[field], field_name(field));
	}
	shared_page_write(&page, nothing, nothing);
	CHECK(read_page(&reply) == 0, __func__);
	CHECK(reply.value[FIELD_TRACEPARENT].len == 0, __func__);
}

static void test_the_largest(void)
{
	static char bytes[WIRE_LIST_BYTES_MAX];
	struct text value[FIELD_COUNT], opened_with[FIELD_COUNT] = { 0 };
	struct wire_reply reply;
	size_t len = 0;

	fresh_page();
	memset(bytes, 'x', sizeof(bytes));
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		bool list = field == FIELD_TAGS || field == FIELD_TRACESTATE || field == FIELD_BAGGAGE;

		value[field] = (struct text){ bytes, list ? sizeof(bytes) : WIRE_ID_BYTES_MAX };
		if (wire_is_trio(field))
			opened_with[field] = value[field];
	}
	CHECK(shared_page_used(value, opened_with) <= SHARED_PAGE_BYTES, __func__);
	shared_page_write(&page, value, opened_with);
	CHECK(shared_page_copy(&page, memory, 1024, &len) == -ENOBUFS, __func__);
	CHECK(len > 50000 && len <= sizeof(memory), __func__);
	CHECK(read_page(&reply) == 0, __func__);
	CHECK_TEXT(reply.opened_with[FIELD_BAGGAGE], value[FIELD_BAGGAGE], "the last one");
}

/* Whatever the file says, nothing outside of it is read: ASan looks on. */
static void test_foreign_pages(void)
{
	struct shared_page *foreign = malloc(sizeof(*foreign));
	size_t len = 0;

	CHECK(foreign, __func__);
	if (!foreign)
		return;
	memset(foreign, 0xFE, sizeof(*foreign));
	CHECK(shared_page_copy(foreign, memory, sizeof(memory), &len) == -EAGAIN, __func__);
	foreign->bytes = SHARED_PAGE_TEXT_BYTES;
	CHECK(shared_page_copy(foreign, memory, sizeof(memory), &len) == 0, __func__);
	CHECK(len == SHARED_PAGE_TEXT_BYTES, __func__);
	foreign->sequence = 1;
	CHECK(shared_page_copy(foreign, memory, sizeof(memory), &len) == -EAGAIN, __func__);
	free(foreign);
}

static void test_texts(void)
{
	static const struct {
		const char *label;
		struct text text;
		int result;
		const char *task, *opened_with;
	} rows[] = {
		{ "nothing set", TEXT("\0"), 0, "", "" },
		{ "empty", TEXT(""), -EBADMSG, "", "" },
		{ "one", TEXT("task_id\0T\0\0"), 0, "T", "" },
		{ "another order", TEXT("mode\0m\0task_id\0T\0\0"), 0, "T", "" },
		{ "unknown names", TEXT("a\0b\0task_id\0T\0c\0\0\0"), 0, "T", "" },
		{ "twice", TEXT("task_id\0T\0task_id\0U\0\0"), 0, "U", "" },
		{ "opened with", TEXT("\0traceparent\0x\0"), 0, "", "x" },
		{ "no end of the first part", TEXT("task_id\0T\0"), -EBADMSG, "", "" },
		{ "a name without a value", TEXT("task_id\0"), -EBADMSG, "", "" },
		{ "a value without an end", TEXT("task_id\0T"), -EBADMSG, "", "" },
		{ "a third part", TEXT("\0traceparent\0x\0\0"), -EBADMSG, "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_reply reply = { 0 };
		/* Its own piece of memory, so that a step beyond it is seen. */
		char *copy = malloc(rows[i].text.len + !rows[i].text.len);

		CHECK(copy, __func__);
		if (!copy)
			return;
		memcpy(copy, rows[i].text.ptr, rows[i].text.len);
		CHECK(shared_page_read(copy, rows[i].text.len, &reply) == rows[i].result, rows[i].label);
		if (!rows[i].result) {
			CHECK_TEXT(reply.value[FIELD_TASK_ID], text_of(rows[i].task), rows[i].label);
			CHECK_TEXT(reply.opened_with[FIELD_TRACEPARENT],
				   text_of(rows[i].opened_with), rows[i].label);
		}
		free(copy);
	}
}

static void test_holds(void)
{
	struct control_page control = { .owner = 4711, .generation = 7 };

	CHECK(control_page_is_current(&control, 7), __func__);
	CHECK(!control_page_is_current(&control, 8), __func__);
	control.owner |= 0x80000000; /* somebody waits for it */
	CHECK(control_page_is_current(&control, 7), __func__);
	control.owner |= 0x40000000; /* and its owner died */
	CHECK(!control_page_is_current(&control, 7), __func__);
	control.owner = 0; /* or let go */
	CHECK(!control_page_is_current(&control, 7), __func__);
}

static void test_retired(void)
{
	struct wire_reply reply;

	fresh_page();
	shared_page_write(&page, nothing, nothing);
	CHECK(read_page(&reply) == 0, __func__);
	shared_page_retire(&page);
	CHECK(read_page(&reply) == -EAGAIN, __func__);
	shared_page_retire(&page);
	CHECK(read_page(&reply) == -EAGAIN, __func__);
}

/* Every value of one writing says the same number, and they get longer and shorter. */
#define WRITINGS 20000
#define READERS 3

static const enum field fields[] = { FIELD_TASK_ID, FIELD_SESSION_ID, FIELD_MODE, FIELD_TAGS };
static int finished;

static void write_number(unsigned number)
{
	struct text value[FIELD_COUNT] = { 0 };
	char text[64];
	int len = snprintf(text, sizeof(text), "%0*u", (int)(number % 50 + 1), number);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		value[fields[i]] = (struct text){ text, (size_t)len };
	shared_page_write(&page, value, nothing);
}

struct reader {
	unsigned copies, last;
	bool mixed, went_back;
};

static void look(struct reader *reader)
{
	uint32_t copy[256];
	struct wire_reply reply;
	char number[64] = "";
	size_t len = 0;

	if (shared_page_copy(&page, copy, sizeof(copy), &len))
		return; /* overtaken */
	reader->copies++;
	if (shared_page_read((const char *)copy, len, &reply) || reply.value[fields[0]].len > 63) {
		reader->mixed = true;
		return;
	}
	for (size_t i = 1; i < sizeof(fields) / sizeof(fields[0]); i++)
		reader->mixed |= !text_eq(reply.value[fields[0]], reply.value[fields[i]]);
	memcpy(number, reply.value[fields[0]].ptr, reply.value[fields[0]].len);
	reader->went_back |= strtoul(number, NULL, 10) < reader->last;
	reader->last = (unsigned)strtoul(number, NULL, 10);
}

static void *read_on(void *arg)
{
	while (!__atomic_load_n(&finished, __ATOMIC_ACQUIRE))
		look(arg);
	look(arg);
	return NULL;
}

static void test_written_while_read(void)
{
	struct reader readers[READERS] = { 0 };
	pthread_t threads[READERS];

	fresh_page();
	write_number(0);
	finished = 0;
	for (size_t i = 0; i < READERS; i++)
		CHECK(pthread_create(&threads[i], NULL, read_on, &readers[i]) == 0, __func__);
	for (unsigned number = 1; number <= WRITINGS; number++)
		write_number(number);
	__atomic_store_n(&finished, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		CHECK(readers[i].copies > 0, __func__);
		CHECK(!readers[i].mixed, __func__);
		CHECK(!readers[i].went_back, __func__);
		CHECK(readers[i].last == WRITINGS, __func__);
	}
}

static const struct suite_test tests[] = {
	TEST(test_round_trip), TEST(test_the_largest), TEST(test_foreign_pages), TEST(test_texts),
	TEST(test_holds),      TEST(test_retired),     TEST(test_written_while_read),
};

SUITE("page", tests)
