/* SPDX-License-Identifier: MIT */
/*
 * What tests/unit uses of CUnit, for machines that we only cross-compile for: there is no
 * CUnit for them here. One suite a program, its tests run in the order in which they were added.
 */
#ifndef TAGALONG_TESTS_CROSS_CUNIT_H
#define TAGALONG_TESTS_CROSS_CUNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define CU_TESTS_MAX 64 /* the longest suite has about twenty */
#define CU_FALSE false
enum { CUE_SUCCESS };

typedef void (*CU_TestFunc)(void);
typedef struct cu_suite {
	CU_TestFunc test[CU_TESTS_MAX];
	unsigned tests, run, asserts, failures;
} *CU_pSuite;

static struct cu_suite cu_suite;

static inline int CU_initialize_registry(void)
{
	return CUE_SUCCESS;
}

static inline void CU_cleanup_registry(void)
{
}

static inline CU_pSuite CU_add_suite(const char *name, int (*init)(void), int (*clean)(void))
{
	return &cu_suite;
}

/* What is returned is compared with NULL only. */
static inline CU_TestFunc *CU_add_test(CU_pSuite suite, const char *name, CU_TestFunc run)
{
	if (suite->tests == CU_TESTS_MAX)
		return NULL;
	suite->test[suite->tests] = run;
	return &suite->test[suite->tests++];
}

static inline int CU_run_all_tests(void)
{
	while (cu_suite.run < cu_suite.tests)
		cu_suite.test[cu_suite.run++]();
	return CUE_SUCCESS;
}

static inline bool CU_assertImplementation(bool ok, unsigned line, const char *condition,
					   const char *file, const char *function, bool fatal)
{
	cu_suite.asserts++;
	cu_suite.failures += !ok;
	return ok;
}

#define CU_ASSERT_TRUE(value) CU_assertImplementation(value, __LINE__, #value, __FILE__, "", false)
#define CU_ASSERT_FALSE(value) CU_ASSERT_TRUE(!(value))
#define CU_ASSERT_EQUAL(actual, expected) CU_ASSERT_TRUE((actual) == (expected))
/* Here the whole suite ends, and says nothing: that fails, too. */
#define CU_FATAL(value)                                                                           \
	do {                                                                                      \
		if (!CU_ASSERT_TRUE(value))                                                       \
			exit(1);                                                                  \
	} while (0)
#define CU_ASSERT_EQUAL_FATAL(actual, expected) CU_FATAL((actual) == (expected))
#define CU_ASSERT_PTR_NOT_NULL_FATAL(value) CU_FATAL((value) != NULL)

static inline const char *CU_get_error_msg(void)
{
	return "too many tests for tests/cross/CUnit";
}

static inline unsigned CU_get_number_of_tests_run(void)
{
	return cu_suite.run;
}

static inline unsigned CU_get_number_of_asserts(void)
{
	return cu_suite.asserts;
}

static inline unsigned CU_get_number_of_failures(void)
{
	return cu_suite.failures;
}

#endif
