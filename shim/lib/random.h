/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills with random bytes, for ids. 0, or a negative errno. Makes no system call but getpid(2), at
 * the first use. Thread-safe; a forked child gets others than its parent. */
int random_fill(uint8_t *ret_bytes, size_t count);
