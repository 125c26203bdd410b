/* SPDX-License-Identifier: MIT */
/*
 * The core: one request in, the header lines for it out, or the reason for none. The shim and the
 * commands ask here, so that what `tagalong explain` says is what the shim does.
 */
#ifndef TAGALONG_CORE_REQUEST_H
#define TAGALONG_CORE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/text.h"
#include "core/config_current.h"
#include "core/config_rule.h"
#include "lib/uuid.h"
#include "core/url.h"
#include "core/request_lines.h"

enum tag_verdict {
	TAG_MATCH, /* lines may be added; there may still be none to add */
	TAG_NOT_POST,
	TAG_NO_RELAY,
	TAG_NO_ENDPOINT,
	TAG_BAD_URL,
	TAG_BAD_CONFIG, /* tag_match.snapshot tells */
	TAG_NO_PRESET, /* TAGALONG_PRESET names none */
	TAG_REFUSED, /* the rule requires a field that has no value: it is not to be sent */
	TAG_NO_MEMORY,
	TAG_NO_ID, /* tag_request.identify had none */
};

/* For people: "the host is no configured relay". */
const char *tag_verdict_reason(enum tag_verdict verdict);

struct tag_request {
	const struct url_api *api;
	const char *url; /* the effective one */
	const char *method;
	uint8_t request_id[UUID_BYTES];
	/* Where it is not NULL, makes the id, and only for a request that matched: others cost no
	 * system call. False when there is none. */
	bool (*identify)(void *arg, uint8_t ret_request_id[UUID_BYTES]);
	/* The request's body, or the first BODY_HEAD_BYTES of it; empty when it is not known. Asked
	 * only where the rule looks at it: it is the client's memory. May be NULL. */
	struct text (*body)(void *arg);
	void *body_arg;
	/* Whether the client sets this header itself; may be NULL. */
	bool (*client_sets)(void *arg, struct text name);
	void *arg; /* of identify and client_sets */
	const struct tag_observer *observer; /* may be NULL */
	/* Whose request it is, for the log; 0 and NULL: this process's. */
	pid_t pid;
	const char *command;
};

/* What was matched. */
struct tag_match {
	struct rule rule; /* its texts live as long as the snapshot */
	const struct config_snapshot *snapshot;
};

/* Decides about a request. For TAG_MATCH *ret_match is filled, for TAG_BAD_CONFIG its snapshot; both
 * are to be given back with tag_match_release. */
enum tag_verdict tag_decide(const struct tag_request *request, struct tag_match *ret_match);
void tag_match_release(struct tag_match *match);

/*
 * Decides, and builds the lines. After TAG_MATCH *ret_lines is to be freed with free(); NULL when
 * there is nothing to add. Borrows environment texts only until it returns. Thread-safe.
 */
enum tag_verdict tag_build(const struct tag_request *request, struct tag_lines **ret_lines);

#endif
