/* SPDX-License-Identifier: MIT */
/* The shape in which shim/presets/presetc.c packs the presets. There are places in one array of
 * text and no pointers, so that nothing has to be relocated when a host starts: the pages stay
 * shared and untouched until a request is tagged. */
#pragma once

#include <stdint.h>

/* A text: its place, and its length without the NUL behind it. */
struct preset_text {
	uint16_t place, len;
};

/* A struct header_rule. */
struct preset_row {
	struct preset_text name, value;
	uint16_t max_members, max_value;
	uint8_t kind;
	uint8_t require_all;
};

/* A struct preset, whose rows are first_row and the ones that follow; the comment's place is one in
 * preset_comments. */
struct preset_entry {
	struct preset_text name, comment, hosts;
	uint16_t first_row, rows;
	uint8_t derives;
};

extern const char preset_texts[], preset_comments[];
extern const struct preset_row preset_rows[];
extern const struct preset_entry preset_entries[];
extern const uint16_t preset_entry_count;
