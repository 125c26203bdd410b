// SPDX-License-Identifier: MIT
/* Unpacking the presets that the preset compiler packed and checked. */
#include "headers/preset.h"

#include <errno.h>

#include "headers/preset_data.h"

static struct text text_at(uint16_t place)
{
	return text_of(preset_texts + place);
}

size_t preset_count(void)
{
	return preset_entry_count;
}

void preset_at(size_t index, struct preset *ret_preset)
{
	const struct preset_entry *entry = &preset_entries[index];

	ret_preset->name = text_at(entry->name);
	ret_preset->comment = text_at(entry->comment);
	ret_preset->hosts = text_at(entry->hosts);
	ret_preset->count = entry->rows;
	for (size_t i = 0; i < entry->rows; i++) {
		const struct preset_row *row = &preset_rows[entry->first_row + i];

		ret_preset->specs[i] = (struct spec){
			.kind = row->kind,
			.name = text_at(row->name),
			.value = text_at(row->value),
			.max_members = row->max_members,
			.max_value = row->max_value,
			.require_all = row->require_all,
		};
	}
}

int preset_find(struct text name, struct preset *ret_preset)
{
	for (size_t i = 0; i < preset_count(); i++) {
		if (!text_eq(name, text_at(preset_entries[i].name)))
			continue;
		preset_at(i, ret_preset);
		return 0;
	}
	return -ENOENT;
}
