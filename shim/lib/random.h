/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_LIB_RANDOM_H
#define TAGALONG_LIB_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What the kernel gives in one piece. */
#define RANDOM_BYTES_MAX 256

/* Fills with random bytes, at most RANDOM_BYTES_MAX. 0, or a negative errno (-ENOSYS under some
 * seccomp filters). Thread-safe; a forked child gets others than its parent. */
int random_fill(uint8_t *ret_bytes, size_t count);

#endif
