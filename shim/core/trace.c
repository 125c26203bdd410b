// SPDX-License-Identifier: MIT
/* W3C Trace Context and Baggage: reading what the environment hands down, writing what a relay
 * gets. What does not keep to the grammar is not repaired but ignored, as the texts demand. */
#include "core/trace.h"

#include <errno.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/chars.h"
#include "lib/forkwipe.h"
#include "lib/random.h"

/* Where the fields of a traceparent stand; each is followed by a dash or by the end. */
enum {
	AT_TRACE_ID = 3,
	AT_PARENT_ID = 36,
	AT_FLAGS = 53,
	TRACEPARENT_LEN = 55,
};

#define TRACESTATE_KEY_MAX 256
#define TRACESTATE_VALUE_MAX 256
/* On truncation, longer members go first. */
#define TRACESTATE_LONG_MEMBER 128

/* Lower case only: upper-case digits make a traceparent invalid. */
static int digit_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *digits, uint8_t *ret_bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int high = digit_value(digits[2 * i]);
		int low = digit_value(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool all_zero(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* Whether the fields are where they should be, for a traceparent of this version. */
static bool layout_ok(struct text text, uint8_t version)
{
	if (version == 0xFF)
		return false;
	if (text.len > TRACEPARENT_LEN && (version == 0 || text.ptr[TRACEPARENT_LEN] != '-'))
		return false;
	return text.ptr[AT_TRACE_ID - 1] == '-' && text.ptr[AT_PARENT_ID - 1] == '-' &&
	       text.ptr[AT_FLAGS - 1] == '-';
}

int trace_parse(struct text traceparent, struct trace *ret_trace)
{
	struct trace trace;
	uint8_t version;

	if (traceparent.len < TRACEPARENT_LEN || !read_hex(traceparent.ptr, &version, 1) ||
	    !layout_ok(traceparent, version) ||
	    !read_hex(traceparent.ptr + AT_TRACE_ID, trace.trace_id, TRACE_ID_BYTES) ||
	    !read_hex(traceparent.ptr + AT_PARENT_ID, trace.parent_id, PARENT_ID_BYTES) ||
	    !read_hex(traceparent.ptr + AT_FLAGS, &trace.flags, 1))
		return -EINVAL;
	if (all_zero(trace.trace_id, TRACE_ID_BYTES) || all_zero(trace.parent_id, PARENT_ID_BYTES))
		return -EINVAL;
	trace.flags &= version ? TRACE_FLAG_SAMPLED : TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM;
	*ret_trace = trace;
	return 0;
}

void trace_format(struct buf *buf, const struct trace *trace)
{
	buf_add(buf, TEXT("00-"));
	buf_hex(buf, trace->trace_id, TRACE_ID_BYTES);
	buf_char(buf, '-');
	buf_hex(buf, trace->parent_id, PARENT_ID_BYTES);
	buf_char(buf, '-');
	buf_hex(buf, &trace->flags, 1);
}

int trace_id_of_process(uint8_t ret_trace_id[TRACE_ID_BYTES])
{
	static struct forkwipe page;
	struct once *once = forkwipe_get(&page);
	int result;

	if (once && once_get(once, ret_trace_id))
		return 0;
	result = random_fill(ret_trace_id, TRACE_ID_BYTES);
	if (result)
		return result;
	ret_trace_id[0] |= !ret_trace_id[0]; /* never all zero */
	if (once)
		once_set(once, ret_trace_id);
	/* Another thread is storing its own right now, unless it was cancelled meanwhile. */
	for (unsigned i = 0; once && i < 10000 && !once_get(once, ret_trace_id); i++)
		;
	return 0;
}

static bool tracestate_key_ok(struct text key)
{
	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') &&
		    (i == 0 || text_find(TEXT("_-*/@"), c) < 0))
			return false;
	}
	return key.len >= 1 && key.len <= TRACESTATE_KEY_MAX;
}

/* The last character is no blank because the member was trimmed. */
static bool tracestate_value_ok(struct text value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c < 0x20 || c > 0x7E || c == '=')
			return false;
	}
	return value.len >= 1 && value.len <= TRACESTATE_VALUE_MAX;
}

static bool tracestate_member_ok(struct text member)
{
	ptrdiff_t equals = text_find(member, '=');

	return equals >= 0 && tracestate_key_ok((struct text){ member.ptr, (size_t)equals }) &&
	       tracestate_value_ok(text_from(member, (size_t)equals + 1));
}

/* Which member to drop next: the last long one, else the last. */
static size_t tracestate_victim(const struct text *members, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		if (members[i].len > TRACESTATE_LONG_MEMBER)
			return i;
	}
	return count - 1;
}

int tracestate_add(struct buf *buf, struct text tracestate, size_t max_bytes)
{
	struct text members[TRACESTATE_MEMBERS_MAX], member;
	size_t count = 0, total = 0; /* bytes, each member with a comma */

	while (text_next(&tracestate, ',', &member)) {
		member = text_trim(member);
		if (!member.len)
			continue;
		if (count == TRACESTATE_MEMBERS_MAX || !tracestate_member_ok(member))
			return -EINVAL;
		members[count++] = member;
		total += member.len + 1;
	}
	while (count && total - 1 > max_bytes) {
		size_t victim = tracestate_victim(members, count);

		total -= members[victim].len + 1;
		count--;
		memmove(members + victim, members + victim + 1,
			(count - victim) * sizeof(members[0]));
	}
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(buf, ',');
		buf_add(buf, members[i]);
	}
	return 0;
}

static bool is_baggage_octet(char c)
{
	return c > 0x20 && c < 0x7F && text_find(TEXT("\",;\\"), c) < 0;
}

static bool baggage_value_ok(struct text value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (!is_baggage_octet(value.ptr[i]))
			return false;
	}
	return true;
}

/* Splits "key = value", without blanks around either. False without a "=". */
static bool split_pair(struct text pair, struct text *ret_key, struct text *ret_value)
{
	ptrdiff_t equals = text_find(pair, '=');

	if (equals < 0)
		return false;
	*ret_key = text_trim((struct text){ pair.ptr, (size_t)equals });
	*ret_value = text_trim(text_from(pair, (size_t)equals + 1));
	return true;
}

/* A property is a key, or key=value. */
static bool baggage_property_ok(struct text property)
{
	struct text key = text_trim(property), value = { NULL, 0 };

	split_pair(property, &key, &value);
	return chars_are_token(key) && baggage_value_ok(value);
}

static bool baggage_member_ok(struct text member)
{
	struct text rest = member, part, key, value;

	if (!text_next(&rest, ';', &part) || !split_pair(part, &key, &value) ||
	    !chars_are_token(key) || !baggage_value_ok(value))
		return false;
	while (text_next(&rest, ';', &part)) {
		if (!baggage_property_ok(part))
			return false;
	}
	return !text_ends_with(member, TEXT(";"));
}

bool baggage_next(struct text *rest, struct text *ret_key, struct text *ret_value)
{
	struct text member;

	while (text_next(rest, ',', &member)) {
		member = text_trim(member);
		if (baggage_member_ok(member))
			return split_pair(member, ret_key, ret_value);
	}
	return false;
}

void baggage_add_encoded(struct buf *buf, struct text value)
{
	/* In a well-formed member every blank is an optional one. */
	for (size_t i = 0; i < value.len; i++) {
		if (!ascii_is_blank(value.ptr[i]))
			buf_char(buf, value.ptr[i]);
	}
}

void baggage_add(struct buf *buf, struct text value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (is_baggage_octet(value.ptr[i]) && value.ptr[i] != '%')
			buf_char(buf, value.ptr[i]);
		else
			percent_add(buf, value.ptr[i]);
	}
}
