// SPDX-License-Identifier: MIT
/* What clients send in their headers that names their conversation or session (signals.def). */
#include "core/header_signals.h"

#include "core/header.h"
#include "core/signals.def"

struct header_signal {
	unsigned char field, len;
	char name[26];
};

static const struct header_signal header_signals[] = {
#define HEADER_ROW(field, name, product, source) { FIELD_##field, sizeof(name) - 1, name },
	HEADER_SIGNALS(HEADER_ROW)
};

#define COUNT (sizeof(header_signals) / sizeof(header_signals[0]))

bool signal_is_fit(struct text value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] <= ' ' || value.ptr[i] > '~')
			return false;
	}
	return value.len && value.len <= SIGNAL_BYTES_MAX;
}

struct header_filter header_signals_filter(void)
{
#define NAME_BIT(field, name, product, source) | HEADER_NAME_BIT(sizeof(name) - 1, name[0])
#define START_BITS(field, name, product, source) | HEADER_START_BITS(name[0], name[1])
	return (struct header_filter){ 0 HEADER_SIGNALS(NAME_BIT), 0 HEADER_SIGNALS(START_BITS) };
}

void header_signals_offer(struct context *context, next_header *next, void *arg)
{
	struct text name, value, values[COUNT];
	const struct header_filter filter = header_signals_filter();
	uint32_t found = 0;
	const void *cursor = NULL;

	_Static_assert(COUNT <= 32, "a bit for each");
	while ((cursor = next(arg, cursor, filter.starts, &name, &value))) {
		/* Cheap pre-filter: most of a client's headers have another length or letter. */
		if (!(filter.names & header_name_bit(name)))
			continue;
		for (size_t i = 0; i < COUNT; i++) {
			const struct header_signal *row = &header_signals[i];
			struct text fit = text_trim(value);

			if (!text_eq_nocase(name, (struct text){ row->name, row->len }) ||
			    !signal_is_fit(fit))
				continue;
			values[i] = fit;
			found |= 1u << i;
		}
	}
	for (size_t i = 0; found && i < COUNT; i++) {
		if (found >> i & 1)
			context_offer(context, header_signals[i].field, values[i], ORIGIN_SIGNAL,
				      header_signals[i].name);
	}
}
