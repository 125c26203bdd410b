/* SPDX-License-Identifier: MIT */
/* What the suites of the pure modules share: a list of tests, and a main that runs it. */
#ifndef TAGALONG_TESTS_SUITE_H
#define TAGALONG_TESTS_SUITE_H

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include "lib/text.h"

struct suite_test {
	const char *name;
	CU_TestFunc run;
};

#define TEST(function) { #function, function }

/* An assertion about row `label` of a table; a failure says which row. */
#define CHECK(condition, label) suite_check(condition, #condition, label, __FILE__, __LINE__)

static inline void suite_check(bool ok, const char *condition, const char *label, const char *file,
			       int line)
{
	CU_assertImplementation(ok, (unsigned)line, condition, file, "", CU_FALSE);
	if (!ok)
		fprintf(stderr, "%s:%d: %s: %s\n", file, line, label, condition);
}

/* Two texts are to be equal; a failure shows both. */
#define CHECK_TEXT(actual, expected, label)                                                       \
	suite_check_text(actual, expected, #actual, label, __FILE__, __LINE__)

static inline void suite_check_text(struct text actual, struct text expected, const char *what,
				    const char *label, const char *file, int line)
{
	bool same = text_eq(actual, expected);

	CU_assertImplementation(same, (unsigned)line, what, file, "", CU_FALSE);
	if (!same)
		fprintf(stderr, "%s:%d: %s: \"%.*s\", not \"%.*s\"\n", file, line, label,
			(int)actual.len, actual.ptr, (int)expected.len, expected.ptr);
}

/* Runs the tests and prints one line. The exit status of the program. */
static inline int suite_run(const char *name, const struct suite_test *tests, size_t count)
{
	unsigned failed;
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite(name, NULL, NULL);
	for (size_t i = 0; suite && i < count; i++) {
		if (!CU_add_test(suite, tests[i].name, tests[i].run))
			suite = NULL;
	}
	if (!suite || CU_run_all_tests() != CUE_SUCCESS) {
		fprintf(stderr, "%s: %s\n", name, CU_get_error_msg());
		return 1;
	}
	failed = CU_get_number_of_failures();
	printf("%s: %u tests, %u assertions, %u failed\n", name, CU_get_number_of_tests_run(),
	       CU_get_number_of_asserts(), failed);
	CU_cleanup_registry();
	return failed ? 1 : 0;
}

static inline int suite_list(const struct suite_test *tests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		puts(tests[i].name);
	return 0;
}

/* main() of a suite: SUITE("header", tests). With any argument it lists its tests. */
#define SUITE(name, tests)                                                                        \
	int main(int argc, char **argv)                                                           \
	{                                                                                         \
		size_t count = sizeof(tests) / sizeof((tests)[0]);                                \
												  \
		return argc > 1 ? suite_list(tests, count) : suite_run(name, tests, count);       \
	}

#endif
