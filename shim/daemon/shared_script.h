/* SPDX-License-Identifier: MIT */
/* What the shared store is asked, and what it answers: calls of the one script (shared_script.lua),
 * its replies, and the messages that it publishes. Nothing here waits or remembers. */
#pragma once

#include <hiredis/hiredis.h>

#include "daemon/shared_address.h"
#include "daemon/shared_store.h"
#include "lib/buf.h"
#include "protocol/message.h"

/* "PREFIXscope:NAME", "PREFIXchanges:DATABASE:NAME" */
#define SHARED_KEY_BYTES_MAX (SHARED_PREFIX_BYTES_MAX + WIRE_NAME_BYTES_MAX + 24)
/* EVAL, script, 1, key; op, deadline, ttl, channel; then a name and a value for each field. */
#define SCRIPT_WORDS_MAX (8 + 2 * FIELD_COUNT)

struct script_call {
	enum shared_op op;
	struct text name;
	size_t count;
	const char *word[SCRIPT_WORDS_MAX];
	size_t bytes[SCRIPT_WORDS_MAX];
	char deadline[24];
	char memory[];
};

/* The call for a change or a look, to be freed. NULL without memory. */
struct script_call *script_call_new(const struct shared_address *address,
				    const struct shared_change *change);
/* Until when the script may change something, in the server's ms. Not of a look. */
void script_call_set_deadline(struct script_call *call, uint64_t deadline_ms);

/* The channel of a scope's changes; without a name, what the channels of all scopes begin with. */
struct text script_channel(const struct shared_address *address, struct text name,
			   char memory[SHARED_KEY_BYTES_MAX]);

enum script_answer {
	SCRIPT_ROW,
	SCRIPT_ABSENT, /* there is no such scope */
	SCRIPT_LATE, /* the deadline was over: nothing was changed */
	SCRIPT_FOREIGN /* the value is no scope of ours, or the reply none of the script's */
};

/* A text of a reply; empty for any other type. */
struct text reply_text(const redisReply *reply);
/* Parses a reply that is no error. The row's texts are the reply's. */
enum script_answer script_read_reply(const redisReply *reply, struct shared_row *ret_row);
/* The same of a published change. Overwrites the message, into which the texts then point. */
enum script_answer script_read_message(char *message, size_t len, struct shared_row *ret_row);
