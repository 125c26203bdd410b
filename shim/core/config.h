/* SPDX-License-Identifier: MIT */
/*
 * A configuration that was read: which relays, and what each of them gets. Immutable once made.
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
 * over.
 */
#ifndef TAGALONG_CORE_CONFIG_H
#define TAGALONG_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config_error.h"
#include "core/context.h"
#include "core/header_rule.h"
#include "core/endpoint.h"
#include "core/relay.h"

enum config_rule_key {
#define RULE_KEY(constant, name) CONFIG_RULE_##constant,
#include "core/config_rule_keys.def"
#undef RULE_KEY
	CONFIG_RULE_KEY_COUNT
};

/* "match", "endpoints" ... */
const char *config_rule_key_name(enum config_rule_key key);

struct config_pattern {
	struct text text; /* as it was written */
	struct relay relay;
};

struct config_rule {
	/* Where the rule, and each of its keys, stands in the text; 0: it does not say that. */
	size_t where, key_where[CONFIG_RULE_KEY_COUNT];
	size_t line; /* of the rule, for people */
	const struct config_pattern *patterns;
	size_t patterns_count; /* 0: the hosts of its preset */
	struct endpoint_set endpoints;
	struct text preset; /* empty: by the host */
	const struct spec *specs; /* own headers */
	const size_t *specs_where;
	size_t specs_count;
	uint32_t require; /* a bit for each field */
	uint8_t max_headers;
	bool replace; /* the client's header of the same name gives way */
	bool derive; /* the conversation id from the body, where nothing else gives one */
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

/*
 * Reads a whole text. *ret_config is one block, to be freed with free(). 0; -EINVAL when there are
 * faults, all of which were told; -ENOMEM; -EFBIG for a text over CONFIG_BYTES_MAX.
 */
int config_read(struct text source, struct faults *faults, struct config **ret_config);

#endif
