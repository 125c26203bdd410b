/* SPDX-License-Identifier: MIT */
/* The key by which conversation ids are made from request bodies. */
#pragma once

#include <stdint.h>

#define SECRET_BYTES 16

/* The user's key: random, in $XDG_STATE_HOME/tagalong/conversation.key (else ~/.local/state), made
 * with mode 0600 at the first question. Read once for each process. 0, or a negative errno: -EPERM
 * when the file is not this user's alone, -EBADMSG when it holds no key, -ENOENT without a home,
 * -ETIMEDOUT when it is on a file system that may hang. Thread-safe. */
int secret_get(uint8_t ret_key[SECRET_BYTES]);
