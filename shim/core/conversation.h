/* SPDX-License-Identifier: MIT */
/* Which conversation a request belongs to: what the client itself says, or how the conversation
 * began. docs/conversation.md has the recipe and what it was measured against. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/context.h"
#include "core/header.h"
#include "lib/buf.h"
#include "lib/siphash.h"

/* Iterates over the headers that the client sends: NULL asks for the first one. Returns the cursor
 * for the next call, or NULL at the end. A value may have blanks at its ends. Those whose
 * HEADER_START_BIT is not among `starts` may be left out. */
typedef const void *next_header(void *arg, const void *cursor, uint64_t starts,
				struct text *ret_name, struct text *ret_value);

/* What a client's value is good for an id: 1 to 255 characters of visible ASCII. */
bool signal_is_fit(struct text value);

/* Offers what the client's headers say about the conversation and the session. */
void signals_offer(struct context *context, next_header *next, void *arg);

/* The headers that signals_offer looks at. */
struct header_filter signals_filter(void);

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
