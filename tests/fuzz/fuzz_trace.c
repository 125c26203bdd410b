// SPDX-License-Identifier: MIT
/* traceparent, tracestate and baggage: what is taken is written to the letter of W3C, and taken again. */
#include "fuzz.h"

#include <string.h>

#include "lib/limits.h"
#include "lib/chars.h"
#include "core/trace.h"

static void try_traceparent(struct text text)
{
	struct trace trace, again;
	char memory[64];
	struct buf buf;

	if (trace_parse(text, &trace))
		return;
	buf_init(&buf, memory, sizeof(memory));
	trace_format(&buf, &trace);
	CHECK(buf.len == 55 && !memcmp(buf.data, "00-", 3));
	CHECK(!trace_parse(buf_since(&buf, 0), &again));
	CHECK(!memcmp(&trace, &again, sizeof(trace)));
	CHECK(!(trace.flags & ~(TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM)));
}

static void try_tracestate(struct text text)
{
	char memory[VALUE_BYTES_MAX + 1], second[VALUE_BYTES_MAX + 1];
	struct buf buf, again;

	buf_init(&buf, memory, sizeof(memory));
	if (tracestate_add(&buf, text, VALUE_BYTES_MAX)) {
		CHECK(!buf.len);
		return;
	}
	buf_init(&again, second, sizeof(second));
	CHECK(!tracestate_add(&again, buf_since(&buf, 0), VALUE_BYTES_MAX));
	CHECK(text_eq(buf_since(&buf, 0), buf_since(&again, 0)));
	for (size_t i = 0; i < buf.len; i++)
		CHECK(buf.data[i] >= ' ' && buf.data[i] <= '~');
}

static void try_baggage(struct text text)
{
	char memory[LIST_BYTES_MAX + 1];
	struct text key, value;
	struct buf buf;

	while (baggage_next(&text, &key, &value)) {
		CHECK(chars_are_token(key));
		buf_init(&buf, memory, sizeof(memory));
		baggage_add_encoded(&buf, value);
		for (size_t i = 0; i < buf.len; i++)
			CHECK(buf.data[i] > ' ' && buf.data[i] <= '~' && buf.data[i] != ',');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = { (const char *)data, size };

	if (size > LIST_BYTES_MAX)
		return 0;
	try_traceparent(text);
	try_tracestate(text);
	try_baggage(text);
	return 0;
}
