/* SPDX-License-Identifier: MIT */
#ifndef TAGALONG_BASE_RANDOM_H
#define TAGALONG_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills with random bytes from the kernel; no state here, so safe over fork. At most 256 bytes.
 * 0, or a negative errno (-ENOSYS under some seccomp filters). */
int random_fill(uint8_t *ret_bytes, size_t count);

#endif
