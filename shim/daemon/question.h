/* SPDX-License-Identifier: MIT */
/* One request while it is answered: what state_answer and its answers share. */
#pragma once

#include "daemon/state.h"
#include "protocol/message.h"
#include "protocol/reply.h"

/* A request that waits for the shared store, to be answered again when that has. */
struct pending {
	LIST_ENTRY(pending) link;
	struct peer peer;
	void *connection;
	bool is_change; /* else the store was only read */
	enum shared_result result; /* when it has answered */
	const char *message;
	char name[WIRE_NAME_BYTES_MAX + 1];
	size_t len;
	char line[];
};

/* One question. */
struct question {
	struct state *state;
	const struct peer *peer;
	struct wire_request request;
	struct wire_error error;
	struct buf *reply;
	struct answer *answer;
	const char *line; /* as it was sent; NULL where nothing can be pending */
	size_t len;
	const struct pending *resumed; /* the store has answered; NULL: it was not asked */
	bool token_is_unread; /* the token's scope is in the shared store, which was not read yet */
};

/* Each says why the request is refused. */
void question_refuse(struct question *question, enum wire_code code, const char *message);
void question_refuse_name(struct question *question, const char *message);
void question_refuse_process(struct question *question, const char *message);
void question_refuse_error(struct question *question, int error);

/* The process that asks, with the token of its TAGALONG_SCOPE. */
struct requester question_requester(const struct question *question);

/* The scope that a process is in, NULL for the default one. False after a refusal: whoever cannot
 * be found out is in no scope, not in the default one, which is everybody's. */
bool question_find_nearest(struct question *question, const struct requester *requester,
			   struct scope **ret_scope);

/* The process that the request names by number: one that means the same to both ends. */
bool question_named_process(struct question *question, struct process *ret_process);

/* False for the token of a scope in the shared store that was not read yet. */
bool question_token_is_loaded(struct question *question);

/* The scope of a request that reads or changes one. NULL after a refusal. A process in no scope is
 * answered with the default one when it is read, and refused when it is changed. */
struct scope *question_find_target(struct question *question);

/* Reads the scope from the shared store before the request is answered. False when that was done, or
 * after a refusal. */
bool question_read_store(struct question *question, struct text name);

/* The store makes the change; what comes of it arrives as everybody's changes do. */
void question_change_shared(struct question *question, enum shared_op op, struct text name);

/* Only a named scope: the default one is always there, and a process's ends with it. */
bool question_may_have_ttl(struct question *question, const struct scope *scope);

/* The scope that a change is about, when it is made here; NULL when it is made in the shared store,
 * or was refused. */
struct scope *question_find_changed(struct question *question, enum shared_op op);

/* Sets the fields of a scope of this machine, and replies. */
void question_set_fields(struct question *question, struct scope *scope, const char *event);

/* The reply that has nothing but the scope's name. */
void question_reply_ok(struct question *question, struct text scope);

/* After a change of fields: 1, 0 when everything was so already, or a negative errno. */
void question_reply_change(struct question *question, struct scope *scope, const char *event,
			   int result);

/* A line of --verbose, with the names of the fields that the request has. */
void question_log(const struct question *question, const char *event, const struct scope *scope);

/* In answer_open.c. */
void question_answer_open(struct question *question);
