// SPDX-License-Identifier: MIT
#include "lib/siphash.h"

#include <endian.h>

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline __attribute__((always_inline)) void mix(uint64_t v[4], unsigned rounds)
{
#pragma GCC unroll 4
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t read_word(const void *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

static void write_word(uint8_t bytes[8], uint64_t word)
{
	word = htole64(word);
	memcpy(bytes, &word, sizeof(word));
}

static void add_word(struct siphash *hash, uint64_t word)
{
	hash->v[3] ^= word;
	mix(hash->v, 2);
	hash->v[0] ^= word;
}

void siphash_init(struct siphash *hash, const uint8_t key[SIPHASH_KEY_BYTES])
{
	uint64_t k0 = read_word(key), k1 = read_word(key + 8);

	*hash = (struct siphash){ { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
				    k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 },
				  0,
				  0 };
}

static void add_byte(struct siphash *hash, uint8_t byte)
{
	hash->tail |= (uint64_t)byte << (8 * (hash->count & 7));
	if (++hash->count & 7)
		return;
	add_word(hash, hash->tail);
	hash->tail = 0;
}

void siphash_add(struct siphash *hash, struct text text)
{
	for (; !(hash->count & 7) && text.len >= 8; text = text_from(text, 8)) {
		add_word(hash, read_word(text.ptr));
		hash->count += 8;
	}
	for (size_t i = 0; i < text.len; i++)
		add_byte(hash, (uint8_t)text.ptr[i]);
}

void siphash_end(struct siphash *hash, uint8_t ret_digest[SIPHASH_BYTES])
{
	uint64_t last = hash->tail | hash->count << 56, *v = hash->v;

	add_word(hash, last);
	v[2] ^= 0xee;
	mix(v, 4);
	write_word(ret_digest, v[0] ^ v[1] ^ v[2] ^ v[3]);
	v[1] ^= 0xdd;
	mix(v, 4);
	write_word(ret_digest + 8, v[0] ^ v[1] ^ v[2] ^ v[3]);
}

void siphash_expand(const uint8_t key[SIPHASH_KEY_BYTES], uint64_t number, uint8_t *ret_bytes,
		    size_t count)
{
	uint64_t last = (number & UINT64_MAX >> 8) | (uint64_t)7 << 56, *v;
	struct siphash hash;
	uint8_t word[8];

	siphash_init(&hash, key);
	v = hash.v;
	v[3] ^= last;
	mix(v, 2);
	v[0] ^= last;
	v[2] ^= 0xee;
	for (;; ret_bytes += sizeof(word), count -= sizeof(word)) {
		mix(v, 4);
		write_word(word, v[0] ^ v[1] ^ v[2] ^ v[3]);
		if (count <= sizeof(word))
			break;
		memcpy(ret_bytes, word, sizeof(word));
		v[1] ^= 0xdd;
	}
	memcpy(ret_bytes, word, count);
}

/* Both halves of a product of 128 bits, folded. */
static uint64_t fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
	uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32), cross = a0 * b1 + (uint32_t)mid;

	return (cross << 32 | (uint32_t)low) ^ (a1 * b1 + (mid >> 32) + (cross >> 32));
#endif
}

static uint64_t hash_step(uint64_t hash, const char *at)
{
	uint64_t a = read_word(at) + read_word(at + 8) * 0x9E3779B97F4A7C15;
	uint64_t b = read_word(at + 16) + read_word(at + 24) * 0xC2B2AE3D27D4EB4F;

	return fold(a ^ hash, b ^ 0xD6E8FEB86659FD93) + hash;
}

uint64_t hash_fast(uint64_t hash, struct text text)
{
	char last[HASH_STEP_BYTES] = { 0 };

	while (text.len >= HASH_STEP_BYTES) {
		hash = hash_step(hash, text.ptr);
		text.ptr += HASH_STEP_BYTES;
		text.len -= HASH_STEP_BYTES;
	}
	if (!text.len)
		return hash;
	memcpy(last, text.ptr, text.len);
	return hash_step(hash + text.len, last);
}
