/* SPDX-License-Identifier: MIT */
/* A configuration that was read: which relays, and what each of them gets. Immutable once made.
 *
 *	{ "relays": [ { "match": ["https://relay.example.com"], "endpoints": ["chat"],
 *	                "preset": "litellm", "headers": { "X-Team": "{env:TEAM|'unknown'}" },
 *	                "on_conflict": "keep", "require": ["task_id"], "max_headers": 10,
 *	                "conversation": "derive" } ],
 *	  "service": { "timeout_ms": 50 },
 *	  "adopt": { "task_id": ["CI_JOB_ID"] },
 *	  "log": "/home/me/tagalong.jsonl" }
 *
 * Every key may be missing. A "$schema" or "$comment" anywhere an object has fixed keys is passed
 * over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config_reader.h"
#include "core/context.h"
#include "core/header_rule.h"
#include "core/endpoint.h"
#include "core/relay.h"
#include "lib/buf.h"

#define CONFIG_RULE_KEYS(X) \
	X(MATCH, match) \
	X(ENDPOINTS, endpoints) \
	X(PRESET, preset) \
	X(HEADERS, headers) \
	X(ON_CONFLICT, on_conflict) \
	X(REQUIRE, require) \
	X(MAX_HEADERS, max_headers) \
	X(CONVERSATION, conversation)

enum config_rule_key {
#define CONFIG_RULE_KEY_ENUM(constant, name) CONFIG_RULE_##constant,
	CONFIG_RULE_KEYS(CONFIG_RULE_KEY_ENUM) CONFIG_RULE_KEY_COUNT
};

/* "match", "endpoints" ... */
const char *config_rule_key_name(enum config_rule_key key);

struct config_pattern {
	struct text text; /* as it was written */
	struct relay relay;
};

/* Whether a conversation id is made where nothing else gives one. */
enum config_conversation {
	CONVERSATION_BY_PRESET,
	CONVERSATION_DERIVE, /* from the body, or the place */
	CONVERSATION_NONE,
};

struct config_rule {
	/* Where the rule, and each of its keys, stands in the text; 0: it does not say that. */
	size_t where, key_where[CONFIG_RULE_KEY_COUNT];
	size_t line; /* of the rule, for people */
	const struct config_pattern *patterns;
	size_t patterns_count; /* 0: the hosts of its preset */
	struct endpoint_set endpoints;
	struct text preset; /* empty: by the host */
	const struct header_rule *headers; /* the rule's own */
	const size_t *headers_where;
	size_t headers_count;
	uint32_t require; /* a bit for each field */
	uint8_t max_headers;
	bool replace; /* the client's header of the same name gives way */
	enum config_conversation conversation;
};

struct config_adopted {
	enum field field;
	const char *variable;
	size_t where;
};

struct config {
	struct config_rule *rules;
	size_t rules_count;
	struct config_adopted *adopted; /* the first that is set wins */
	size_t adopted_count;
	uint32_t timeout_ms; /* of the context service; 0: it does not say */
	size_t timeout_where;
	struct text log; /* absolute path; empty: it does not say */
	size_t log_where;
	bool wants_body; /* some rule looks at request bodies */
};

/* Parses a text. *ret_config is one block, to be freed with free(). 0; -EINVAL when there are
 * errors, all of which were reported; -ENOMEM; -EFBIG for a text over CONFIG_BYTES_MAX. */
int config_read(struct text source, struct config_errors *errors, struct config **ret_config);

/* In the order in which they are looked at. A place that is named is the only one. */
enum config_place {
	CONFIG_NAMED, /* $TAGALONG_CONFIG */
	CONFIG_USER, /* $XDG_CONFIG_HOME/tagalong/config.json, else in ~/.config */
	CONFIG_SYSTEM, /* /etc/tagalong/config.json */
};

/* Appends the path. 0; -ENOENT when the environment names no such place; -EINVAL for a
 * $TAGALONG_CONFIG that is no absolute path; -ENAMETOOLONG. */
int config_path(enum config_place place, struct buf *ret_path);

/* Whether this errno of looking at a place means that nothing is there for this user. With any
 * other one there may be: then it is a bad configuration, because another one may name other
 * relays. */
bool config_is_absent(int result);

/* Appends a configuration's text. 0, or a negative errno; among them -EACCES when everybody may
 * write to it (whoever names the relays says where the metadata goes), -EFBIG, and -EINVAL for what
 * is no regular file. */
int config_file_read(const char *path, struct buf *ret_source);
/* For people: "no such file or directory". */
const char *config_file_reason(int result);

enum config_state {
	CONFIG_NONE, /* there is no file: the environment alone */
	CONFIG_GOOD,
	CONFIG_BAD, /* it has errors, or cannot be read: nothing is tagged */
};

/* One reading of the file, shared by all who look at it. */
struct config_snapshot {
	unsigned serial; /* no two of a process have the same */
	enum config_state state;
	const struct config *config; /* of a good one; else NULL */
	const char *path; /* "" when there is none */
	const char *reason; /* of a bad one: its first error, for a debug line */
	size_t line; /* 0: not a matter of its text */
};

/* What is in force now; to be given back with config_put. `exact` asks the file system, with one
 * stat(2) where there is a file; without it a result up to one second old is returned (no system
 * call). A file that was not there is looked for once a second at the most. Never NULL. Thread-safe
 * and fork-safe; no lock is held on return. Preserves errno. */
const struct config_snapshot *config_get(bool exact);
void config_put(const struct config_snapshot *snapshot);
