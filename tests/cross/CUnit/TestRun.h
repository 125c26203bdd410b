/* SPDX-License-Identifier: MIT */
/* All is in CUnit.h. */
#include <CUnit/CUnit.h>
