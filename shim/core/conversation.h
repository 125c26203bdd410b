/* SPDX-License-Identifier: MIT */
/* Which conversation a request's body belongs to: what the client itself says there, or how the
 * conversation began. docs/conversation.md has the recipe and what it was measured against. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/siphash.h"

/* How a conversation began, as far as a body shows it. */
struct conversation {
	bool has_words; /* the user said something that was understood */
	uint64_t words; /* hash of the user's own words, without a key */
	const char *signal; /* the JSON pointer of the best body signal; NULL: none */
};

/* Reads the body of a chat request: OpenAI's chat completions and responses, Anthropic's
 * messages, Gemini's contents; texts or lists of parts. The words are those of the first message
 * of the user's in which anything is left when what clients inject is taken out; where there is
 * no such message, all of the first one, or its image. System prompts, tools and all later
 * messages do not count.
 *
 * ret_signal (empty before) gets the value of the body signal. Nothing is allocated; at most
 * BODY_BYTES_MAX are looked at. A body that is not understood has neither words nor signal. */
void conversation_read(struct text body, struct conversation *ret_conversation,
		       struct buf *ret_signal);

/* Appends a UUID version 8 (RFC 9562 section 5.8): the keyed hash of a number (of the words) and
 * the place where they were said. Of no use to whoever would guess the words but lacks the key. */
void conversation_id_add(struct buf *ret_id, const uint8_t key[SIPHASH_KEY_BYTES], uint64_t words,
			 struct text place);
