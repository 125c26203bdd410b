/* SPDX-License-Identifier: MIT */
/* The core: one request in, the header lines for it out, or the reason for none. The shim and the
 * commands ask here, so that what `tagalong explain` says is what the shim does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "lib/uuid.h"
#include "protocol/client.h"
#include "core/config.h"
#include "core/context.h"
#include "core/conversation.h"
#include "core/header.h"
#include "core/header_rule.h"
#include "core/header_signals.h"
#include "core/template.h"
#include "core/rule.h"
#include "core/url.h"

/* "Name: value" with its NUL, by its place in the text of all lines. */
struct tag_line {
	uint16_t at, name_len, len;
	bool replaces; /* the client's header of this name gives way */
};

_Static_assert(LINES_BYTES_MAX <= UINT16_MAX, "a place in them");

struct log_entry;

struct tag_lines {
	size_t count, bytes;
	const char *text; /* the lines, one behind the other; in the same block */
	struct header_filter asked; /* the names that the client was asked for */
	/* What the log is to say, in the same block; NULL: no log. */
	const struct log_entry *log_entry;
	bool replaces; /* one of them does */
	struct tag_line line[LINES_MAX];
};

enum tag_note {
	TAG_NOTE_SERVICE, /* what came of asking the context service */
	TAG_NOTE_MISSING, /* a field that the rule requires has no value */
	TAG_NOTE_BODY, /* why no conversation id was derived from the body, where one was asked for */
	TAG_NOTE_PROJECT, /* why no project was found where there may be one */
	TAG_NOTES
};

static inline struct text tag_line_text(const struct tag_lines *lines, size_t i)
{
	return (struct text){ lines->text + lines->line[i].at, lines->line[i].len };
}

static inline struct text tag_line_name(const struct tag_lines *lines, size_t i)
{
	return (struct text){ lines->text + lines->line[i].at, lines->line[i].name_len };
}

/* What happens on the way, for debug lines and `explain`. Each may be NULL. */
struct tag_observer {
	/* A header was decided on: `value` is empty unless it is sent, `reason` says why not. */
	void (*header)(void *arg, struct text name, struct text value, const char *reason);
	/* Members of the header that was reported last, which is sent, had a value and were left
	 * out. */
	void (*dropped)(void *arg, struct text name, unsigned count);
	/* A placeholder of the header that is decided on next had a value. */
	void (*source)(void *arg, struct text placeholder, const char *origin, const char *detail);
	/* The configuration is a bad one: why. */
	void (*config)(void *arg, const struct config_snapshot *snapshot);
	/* Anything else, for people; of TAG_NOTE_MISSING the field. */
	void (*note)(void *arg, enum tag_note note, const char *text);
	void *arg;
};

/* Where the request's connection leads, for the rule that without any relay loopback is one. */
enum tag_peer {
	TAG_PEER_BY_NAME, /* not known: the host's name decides */
	/* Nor is how *.localhost is resolved: addresses and localhost count. */
	TAG_PEER_BY_STRICT_NAME,
	TAG_PEER_LOOPBACK,
	TAG_PEER_ELSEWHERE,
};

struct tag_request {
	const struct url_api *api;
	const char *url; /* the effective one */
	const char *method;
	const char *target; /* what is sent in place of the URL's path and query; NULL: those */
	unsigned port; /* in place of the URL's; 0: that one */
	enum tag_peer peer;
	unsigned max_wait_ms; /* for the context service; 0: as configured */
	uint8_t request_id[UUID_BYTES];
	/* Where it is not NULL, gives the id, of these random bytes if it is a new one; asked only for
	 * a request that matched. */
	void (*identify)(void *arg, const uint8_t random[UUID7_RANDOM_BYTES],
			 uint8_t ret_request_id[UUID_BYTES]);
	/* The request's body, or the first BODY_HEAD_BYTES of it; empty when it is not known. Asked
	 * only where the rule looks at it: it is the client's memory. May be NULL. */
	struct text (*body)(void *arg);
	void *body_arg;
	/* Whether the client sets this header itself; may be NULL. */
	bool (*client_sets)(void *arg, struct text name);
	/* Its headers with their values; may be NULL. */
	next_header *next_header;
	void *arg; /* of identify, client_sets and next_header */
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

/* Parses the request's URL as it goes out: with its port and path. As url_parse. */
int tag_request_url(const struct tag_request *request, struct url *ret_url);

/* Decides about a request. For TAG_MATCH *ret_match is filled, for TAG_BAD_CONFIG its snapshot;
 * both are to be given back with tag_match_release. */
enum tag_verdict tag_decide(const struct tag_request *request, struct tag_match *ret_match);
void tag_match_release(struct tag_match *match);

/* Whether a request of this process may be one whose body is looked at. */
bool tag_wants_body(void);

/* Decides, and builds the lines. After TAG_MATCH *ret_lines is to be freed with free(); NULL when
 * there is nothing to add. Borrows environment texts only until it returns. Thread-safe. */
enum tag_verdict tag_build(const struct tag_request *request, struct tag_lines **ret_lines);

/* What the lines are made of. */
struct lines_recipe {
	const struct header_rule
		*own; /* the configuration's, which stand first and hide the preset's */
	size_t own_count;
	const struct header_rule *preset;
	size_t preset_count;
	size_t max; /* lines, at most LINES_MAX */
	bool replace; /* a header that the client sets gives way */
	template_lookup *lookup;
	void *lookup_arg;
	/* Whether the client sets this header itself; may be NULL. */
	bool (*client_sets)(void *arg, struct text name);
	void *client_arg;
	const struct tag_observer *observer; /* may be NULL */
};

/* Builds every line that has a value, is fit to send and stays within the limits, in memory of
 * LINES_BYTES_MAX + 1 bytes. */
void lines_build(const struct lines_recipe *recipe, char *memory, struct tag_lines *ret_lines);

#define TRACEPARENT_BYTES 55

/* Whether a conversation id is made where nothing gives one. */
enum derives {
	DERIVES_NOT,
	DERIVES_ALWAYS, /* the configuration says so */
	DERIVES_WITHOUT_IDS, /* the preset does: where there is no session or task id either */
};

struct values {
	struct context context;
	struct client_answer *answer; /* what context's values of the service point into; or NULL */
	const struct tag_observer *observer;
	const struct tag_request *request; /* for its body */
	enum derives derives; /* set back to DERIVES_NOT once it was tried */
	int service; /* what client_ask returned */
	/* For the plan: what the values rest on, or that they rest on what it does not follow. */
	bool asked_project, read_body, unplanned;
	bool signals_ready; /* the client's headers were looked at */
	bool trace_ready;
	bool no_random; /* a span was asked for, and the kernel had no bytes for its id */
	struct text traceparent, tracestate;
	struct buf copies; /* of the environment's values */
	char copies_memory[ENVIRONMENT_BYTES_MAX];
	char traceparent_memory[TRACEPARENT_BYTES + 1];
	char tracestate_memory[VALUE_BYTES_MAX + 1];
	char request_id[UUID_TEXT_BYTES + 1];
	char project_id[PROJECT_ID_BYTES_MAX + 1];
	char conversation_id[VALUE_BYTES_MAX +
			     1]; /* a signal of a body, before it is found unfit */
	char body_value[VALUE_BYTES_MAX + 1];
	char number[24];
	struct utsname system; /* for the host's name */
};

/* Collects what is current: the environment, and the context service's answer. config and rule may
 * be NULL. The texts are valid while the request's body and *ret_values are. To be
 * released. */
void values_collect(const struct tag_request *request, const struct config *config,
		    const struct config_rule *rule, enum derives derives,
		    struct values *ret_values);
void values_release(struct values *values);

/* Whether a field has a value. */
bool values_has(struct values *values, enum field field);

/* What a request's body says about its conversation. */
struct body_id {
	struct conversation conversation;
	int key_result; /* of secret_get, which is asked where there is no signal */
	uint8_t key[SIPHASH_KEY_BYTES];
};

/* Reads it; ret_signal (empty before) gets the value of a body signal. */
void body_id_read(const struct tag_request *request, struct body_id *ret_id,
		  struct buf *ret_signal);

/* Where the conversation takes place; *ret_detail is set to what says so: what the launcher made for
 * the shell or program that it was started from, else the scope that the environment names. Both
 * may be missing. The scope that the service found is not asked for: shared pages do not say it, so
 * the second request of a process would be in another place than its first. */
struct text values_place(const char **ret_detail);

/* A template_lookup; arg is a struct values. Values that cost something (the project's name, the
 * trace, what is in the body) are found out at the first question. The value of a body's
 * placeholder is valid until the next one is looked up. */
bool values_lookup(void *arg, struct text name, struct text *ret_value);
