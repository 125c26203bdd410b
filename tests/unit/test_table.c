// SPDX-License-Identifier: MIT
/* The map from handles to records: against a plain array, and with threads. */
#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>

#include "preload/table.h"

#define KEYS 512
#define THREADS 8

static void *key_of(unsigned i)
{
	return (void *)(uintptr_t)(0x10000 + i * 0x1430);
}

static void nothing(void)
{
	static struct table table;
	char a[] = "a", b[] = "b";
	void *old;

	CHECK(!table_get(&table, key_of(1)) && !table_take(&table, key_of(1)), "empty");
	CHECK(!table_get(&table, NULL) && !table_take(&table, NULL), "no key");
	CHECK(table_put(&table, key_of(1), a, &old) && !old, "put");
	CHECK(!table_get(&table, key_of(2)), "another key");
	CHECK(table_put(&table, key_of(1), b, &old) && old == a, "replace");
	CHECK(table_take(&table, key_of(1)) == b && !table_get(&table, key_of(1)), "take");
}

/* Any order of puts and takes gives what an array gives. */
static void against_an_array(void)
{
	static struct table table;
	static void *model[KEYS];
	unsigned seed = 42;

	for (unsigned round = 0; round < 200000; round++) {
		unsigned i = (unsigned)rand_r(&seed) % (round < 100000 ? KEYS : 8);
		void *old;

		if (rand_r(&seed) % 2) {
			CHECK(table_put(&table, key_of(i), &model[round % KEYS], &old), "put");
			CHECK(old == model[i], "what was there");
			model[i] = &model[round % KEYS];
		} else {
			CHECK(table_take(&table, key_of(i)) == model[i], "take");
			model[i] = NULL;
		}
	}
	for (unsigned i = 0; i < KEYS; i++)
		CHECK(table_get(&table, key_of(i)) == model[i], "get");
}

static struct table shared;
static unsigned wrong;

/* It gives up where the thread that has the lock gets no processor for 20 ms. */
static bool put(void *key)
{
	void *old;

	for (unsigned tries = 0; tries < 10000; tries++) {
		if (table_put(&shared, key, key, &old))
			return true;
		sched_yield();
	}
	return false;
}

static void *churn(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg * 10000;

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 100; i++) {
			void *key = key_of(first + i);

			if (!put(key) || table_get(&shared, key) != key)
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		}
		for (unsigned i = 0; i < 100; i++) {
			void *key = key_of(first + i);

			if (table_get(&shared, key) != key || table_take(&shared, key) != key)
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, churn, (void *)i), "thread");
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CHECK(wrong == 0, "every thread finds its own keys");
}

static const struct suite_test tests[] = { TEST(nothing), TEST(against_an_array), TEST(threads) };

SUITE("table", tests)
