// SPDX-License-Identifier: MIT
/* What a preload costs that does nothing. */
extern const int tagalong_bench_empty;
const int tagalong_bench_empty = 1;
