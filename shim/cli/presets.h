/* SPDX-License-Identifier: MIT */
/* A preset in words, for tagalong presets and for docs/relays.md (scripts/pages.c). */
#pragma once

#include "core/preset.h"

/* "one JSON object"; empty for a header with a template. */
const char *preset_kind_text(enum header_kind kind);
/* "at most 5 members, 128 bytes a value", or an empty text, in the memory. */
const char *preset_limits_text(const struct header_rule *row, char *memory, size_t size);
/* Prints what it sends for an example's context. */
void preset_print_example(const struct preset *preset);
