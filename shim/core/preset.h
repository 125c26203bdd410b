/* SPDX-License-Identifier: MIT */
/* The presets that were compiled in from shim/presets: one relay product each. */
#pragma once

#include "core/header_rule.h"

/* Rows of the largest preset, members included; the preset compiler refuses a larger one. */
#define PRESET_ROWS_MAX 48

struct preset {
	struct text name;
	size_t count;
	struct header_rule headers[PRESET_ROWS_MAX]; /* texts point into the compiled-in data */
	/* The product's own hosts, comma separated patterns; may be empty. */
	struct text hosts;
	bool derives; /* its relay needs a conversation id: one is made where nothing gives one */
};

/* How many there are; they are sorted by name. */
size_t preset_count(void);
/* The name and the hosts (may be empty) of preset number `index`: what chooses it for a relay. */
void preset_head_at(size_t index, struct text *ret_name, struct text *ret_hosts);
/* The product's own hosts, which the preset makes relays; comma separated patterns. Empty when it is
 * unknown, or has none: wildcards alone are the hosts of its customers. */
struct text preset_hosts(struct text name);
/* Unpacks preset number `index` (below preset_count) into *ret_preset. */
void preset_at(size_t index, struct preset *ret_preset);
bool preset_exists(struct text name);
bool preset_derives(struct text name);
/* 0, or -ENOENT. */
int preset_find(struct text name, struct preset *ret_preset);
/* Its documentation page and limits, for people. Who does not ask, such as the shim, has none of
 * these texts linked in. */
struct text preset_comment(struct text name);
