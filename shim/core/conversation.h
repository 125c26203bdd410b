/* SPDX-License-Identifier: MIT */
/* An id for a conversation, made from how it began. */
#ifndef TAGALONG_CORE_CONVERSATION_H
#define TAGALONG_CORE_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/siphash.h"

/*
 * Appends the id of the conversation that a chat request belongs to: the keyed hash of its system
 * prompt and its first user message, as a UUID version 8 (RFC 9562 section 5.8). The same for all
 * turns of a conversation, whose requests repeat how it began; another for one that began otherwise;
 * and of no use to whoever would guess the text but lacks the key.
 *
 * Understands OpenAI's chat completions and responses, Anthropic's messages and Gemini's contents,
 * with texts or lists of parts. Of parts only texts, links, files and data count: what clients move
 * about between turns (cache_control and its like) does not.
 *
 * The body is looked at up to the end of the first user message, and up to BODY_BYTES_MAX; a message
 * that goes on behind that counts as far as it was seen. Nothing is allocated. False, and nothing
 * appended, when there is no user message or the body is none of these.
 */
bool conversation_derive(struct text body, const uint8_t key[SIPHASH_KEY_BYTES], struct buf *ret_id);

#endif
