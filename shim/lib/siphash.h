/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 with 128 bits of output (Aumasson and Bernstein; reference code's HSIPHASH 128): a
 * keyed hash; without the key its outputs reveal nothing about their inputs. */
#pragma once

#include <stdint.h>

#include "lib/text.h"

#define SIPHASH_KEY_BYTES 16
#define SIPHASH_BYTES 16

struct siphash {
	uint64_t v[4];
	uint64_t tail; /* the bytes that do not make a word yet, the first in the low bits */
	uint64_t count; /* bytes so far */
};

void siphash_init(struct siphash *hash, const uint8_t key[SIPHASH_KEY_BYTES]);
void siphash_add(struct siphash *hash, struct text text);
void siphash_end(struct siphash *hash, uint8_t ret_digest[SIPHASH_BYTES]);

/* Any number of bytes from the hash of a number of 56 bits: the digest's first, and each further word by
 * one more round of the finalization that makes the digest's second. */
void siphash_expand(const uint8_t key[SIPHASH_KEY_BYTES], uint64_t number, uint8_t *ret_bytes,
		    size_t count);

/* A fast hash without a key, good enough for texts that nobody made to collide; its result is to go
 * through the keyed hash above. Continues from `hash`: a text in pieces of whole steps has the hash
 * of the text in one. */
#define HASH_STEP_BYTES 32
uint64_t hash_fast(uint64_t hash, struct text text);
