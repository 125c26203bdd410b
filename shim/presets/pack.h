/* SPDX-License-Identifier: MIT */
/* What the preset compiler has read, as it is going to be printed. */
#ifndef TAGALONG_PRESETS_PACK_H
#define TAGALONG_PRESETS_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/preset.h"
#include "core/preset_data.h"

#define PRESETS_MAX 64

struct pack_pool {
	char texts[UINT16_MAX]; /* place 0 is the empty text */
	size_t len;
};

/* All zero to begin with. */
struct pack {
	struct pack_pool texts, comments;
	struct preset_row rows[PRESETS_MAX * PRESET_ROWS_MAX];
	size_t rows_count;
	struct preset_entry entries[PRESETS_MAX];
	size_t entries_count;
};

/* Finds or adds a text. False when there is no room. */
bool pack_text(struct pack_pool *pool, const char *text, struct preset_text *ret_text);

/* Prints everything as C source, presets sorted by name, to standard output. */
void pack_print(struct pack *pack);

#endif
