// SPDX-License-Identifier: MIT
/* Unpacking the presets that the preset compiler packed and checked. */
#include "core/preset.h"

#include <errno.h>

#include "core/preset_data.h"

static struct text text_at(struct preset_text text)
{
	return (struct text){ preset_texts + text.place, text.len };
}

size_t preset_count(void)
{
	return preset_entry_count;
}

void preset_at(size_t index, struct preset *ret_preset)
{
	const struct preset_entry *entry = &preset_entries[index];

	ret_preset->name = text_at(entry->name);
	ret_preset->hosts = text_at(entry->hosts);
	ret_preset->count = entry->rows;
	ret_preset->derives = entry->derives;
	for (size_t i = 0; i < entry->rows; i++) {
		const struct preset_row *row = &preset_rows[entry->first_row + i];

		ret_preset->headers[i] = (struct header_rule){
			.kind = row->kind,
			.name = text_at(row->name),
			.value = text_at(row->value),
			.max_members = row->max_members,
			.max_value = row->max_value,
			.require_all = row->require_all,
		};
	}
}

void preset_head_at(size_t index, struct text *ret_name, struct text *ret_hosts)
{
	*ret_name = text_at(preset_entries[index].name);
	*ret_hosts = text_at(preset_entries[index].hosts);
}

/* NULL when there is none. */
static const struct preset_entry *entry_of(struct text name)
{
	for (size_t i = 0; i < preset_entry_count; i++) {
		if (text_eq(name, text_at(preset_entries[i].name)))
			return &preset_entries[i];
	}
	return NULL;
}

struct text preset_hosts(struct text name)
{
	const struct preset_entry *entry = entry_of(name);
	struct text hosts = entry ? text_at(entry->hosts) : (struct text){ NULL, 0 };
	struct text rest = hosts, word;

	while (text_next(&rest, ',', &word)) {
		if (!text_starts_with(word, TEXT("*")))
			return hosts;
	}
	return (struct text){ NULL, 0 };
}

bool preset_derives(struct text name)
{
	const struct preset_entry *entry = entry_of(name);

	return entry && entry->derives;
}

bool preset_exists(struct text name)
{
	return entry_of(name) != NULL;
}

int preset_find(struct text name, struct preset *ret_preset)
{
	const struct preset_entry *entry = entry_of(name);

	if (!entry)
		return -ENOENT;
	preset_at((size_t)(entry - preset_entries), ret_preset);
	return 0;
}

struct text preset_comment(struct text name)
{
	const struct preset_entry *entry = entry_of(name);

	if (!entry)
		return (struct text){ NULL, 0 };
	return (struct text){ preset_comments + entry->comment.place, entry->comment.len };
}
