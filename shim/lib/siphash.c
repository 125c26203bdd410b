// SPDX-License-Identifier: MIT
#include "lib/siphash.h"

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], unsigned rounds)
{
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

/* Little-endian, whatever the machine is. */
static uint64_t read_word(const uint8_t bytes[8])
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

static void write_word(uint8_t bytes[8], uint64_t word)
{
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(word >> (8 * i));
}

void siphash_init(struct siphash *hash, const uint8_t key[SIPHASH_KEY_BYTES])
{
	uint64_t k0 = read_word(key), k1 = read_word(key + 8);

	*hash = (struct siphash){ { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
				    k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 },
				  0, 0 };
}

void siphash_byte(struct siphash *hash, uint8_t byte)
{
	hash->tail |= (uint64_t)byte << (8 * (hash->count & 7));
	if (++hash->count & 7)
		return;
	hash->v[3] ^= hash->tail;
	mix(hash->v, 2);
	hash->v[0] ^= hash->tail;
	hash->tail = 0;
}

void siphash_add(struct siphash *hash, struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		siphash_byte(hash, (uint8_t)text.ptr[i]);
}

void siphash_end(struct siphash *hash, uint8_t ret_digest[SIPHASH_BYTES])
{
	uint64_t last = hash->tail | hash->count << 56, *v = hash->v;

	v[3] ^= last;
	mix(v, 2);
	v[0] ^= last;
	v[2] ^= 0xee;
	mix(v, 4);
	write_word(ret_digest, v[0] ^ v[1] ^ v[2] ^ v[3]);
	v[1] ^= 0xdd;
	mix(v, 4);
	write_word(ret_digest + 8, v[0] ^ v[1] ^ v[2] ^ v[3]);
}

static uint64_t hash_step(uint64_t hash, uint64_t a, uint64_t b)
{
	hash = (hash ^ a) * 0x9E3779B97F4A7C15;
	hash = ((hash ^ hash >> 32) + b) * 0xD6E8FEB86659FD93;
	return hash ^ hash >> 29;
}

uint64_t hash_fast(uint64_t hash, struct text text)
{
	const char *at = text.ptr, *end = at + text.len;
	uint64_t words[4];

	for (; end - at >= (ptrdiff_t)sizeof(words); at += sizeof(words)) {
		memcpy(words, at, sizeof(words));
		hash = hash_step(hash_step(hash, words[0], words[1]), words[2], words[3]);
	}
	memset(words, 0, sizeof(words));
	memcpy(words, at, (size_t)(end - at));
	hash = hash_step(hash_step(hash, words[0], words[1]), words[2], words[3]);
	return hash_step(hash, text.len, hash);
}
