/* SPDX-License-Identifier: MIT */
/* What the suites of the pure rooms share: a list of tests, and a main that runs it. */
#ifndef TAGALONG_TESTS_SUITE_H
#define TAGALONG_TESTS_SUITE_H

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include "base/text.h"

struct suite_test {
	const char *name;
	CU_TestFunc run;
};

#define TEST(function) { #function, function }

/* An assertion about row `label` of a table; a failure says which row. */
#define CHECK(condition, label)                                                                   \
	do {                                                                                      \
		bool check_ok = (condition);                                                      \
		CU_assertImplementation(check_ok, __LINE__, #condition, __FILE__, "", CU_FALSE);  \
		if (!check_ok)                                                                    \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, (label), #condition); \
	} while (0)

/* Two texts are to be equal; a failure shows both. */
#define CHECK_TEXT(actual, expected, label)                                                       \
	do {                                                                                      \
		struct text check_actual = (actual), check_expected = (expected);                 \
		bool check_same = text_eq(check_actual, check_expected);                          \
		CU_assertImplementation(check_same, __LINE__, #actual, __FILE__, "", CU_FALSE);   \
		if (!check_same)                                                                  \
			fprintf(stderr, "%s:%d: %s: \"%.*s\", not \"%.*s\"\n", __FILE__, __LINE__, \
				(label), (int)check_actual.len, check_actual.ptr,                 \
				(int)check_expected.len, check_expected.ptr);                     \
	} while (0)

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

/* main() of a suite: SUITE("header", tests). */
#define SUITE(name, tests)                                                                        \
	int main(void)                                                                            \
	{                                                                                         \
		return suite_run(name, tests, sizeof(tests) / sizeof((tests)[0]));                \
	}

#endif
