// SPDX-License-Identifier: MIT
/* Making the value of one header. Composed values are written straight into the caller's buffer,
 * member by member, each of them completely or not at all: a host's stack has no space for a second
 * copy. */
#include "core/header_rule.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/limits.h"
#include "core/context.h"
#include "lib/chars.h"
#include "core/header.h"
#include "core/trace.h"

/* What stands around the parts of a composed value. */
struct grammar {
	char open[2], before_key[2], between[4], after_value[2], close[2];
};

static const struct grammar json = { "{", "\"", "\":\"", "\"", "}" };
static const struct grammar baggage = { "", "", "=", "", "" };
static const struct grammar list = { "", "", ":", "", "" };

struct composer {
	struct buf *buf;
	size_t start; /* of the value in buf */
	size_t end; /* the value ends here at the latest */
	enum header_kind kind;
	const struct grammar *grammar;
	size_t members_max;
	size_t value_max;
	size_t count;
	unsigned dropped;
	/* The keys so far, as they are written; places count from start. */
	struct {
		uint16_t at, len;
	} key[TAGS_MAX];
};

static const struct grammar *grammar_of(enum header_kind kind)
{
	return kind == HEADER_JSON ? &json : kind == HEADER_BAGGAGE ? &baggage : &list;
}

static struct composer composer_start(struct buf *buf, const struct header_rule *rule)
{
	const struct grammar *grammar = grammar_of(rule->kind);
	struct composer composer = {
		.buf = buf,
		.start = buf->len,
		.kind = rule->kind,
		.grammar = grammar,
		.members_max = TAGS_MAX,
		.value_max = rule->max_value ? rule->max_value : VALUE_BYTES_MAX,
	};
	size_t space = buf->size - 1 - buf->len;

	if (rule->max_members && rule->max_members < TAGS_MAX)
		composer.members_max = rule->max_members;
	if (space > COMPOSED_BYTES_MAX)
		space = COMPOSED_BYTES_MAX;
	composer.end = buf->len + space;
	buf_add(buf, text_of(grammar->open));
	return composer;
}

static bool key_add(struct composer *composer, struct text key)
{
	if (composer->kind == HEADER_JSON) {
		if (header_text_error(key) != HEADER_OK)
			return false;
		json_write_ascii(composer->buf, key);
		return true;
	}
	buf_add(composer->buf, key);
	return chars_are_token(key);
}

static bool key_is_new(const struct composer *composer, struct text key)
{
	const char *start = composer->buf->data + composer->start;

	for (size_t i = 0; i < composer->count; i++) {
		struct text other = { start + composer->key[i].at, composer->key[i].len };

		if (text_eq(key, other))
			return false;
	}
	return true;
}

static bool value_add(struct composer *composer, struct text value)
{
	struct buf *buf = composer->buf;

	if (composer->kind == HEADER_LIST)
		return text_find(value, ',') < 0 &&
		       header_value_add(buf, value, composer->value_max) == HEADER_OK;
	if (value.len > composer->value_max || header_text_error(value) != HEADER_OK)
		return false;
	if (composer->kind == HEADER_JSON)
		json_write_ascii(buf, value);
	else
		baggage_add(buf, value);
	return true;
}

/* Of a baggage that came in; its value is percent-encoded already. */
static bool inbound_value_add(struct composer *composer, struct text value)
{
	baggage_add_encoded(composer->buf, value);
	return true;
}

typedef bool value_writer(struct composer *composer, struct text value);

/* Adds a member whole, or drops it. */
static bool member_add(struct composer *composer, struct text key, struct text value,
		       value_writer *write_value)
{
	const struct grammar *grammar = composer->grammar;
	struct buf *buf = composer->buf;
	size_t mark = buf->len, key_at;
	struct text written_key;

	if (composer->count == composer->members_max)
		goto drop;
	if (composer->count)
		buf_char(buf, ',');
	buf_add(buf, text_of(grammar->before_key));
	key_at = buf->len;
	if (!key_add(composer, key))
		goto drop;
	written_key = buf_since(buf, key_at);
	if (!key_is_new(composer, written_key))
		goto drop;
	buf_add(buf, text_of(grammar->between));
	if (!write_value(composer, value))
		goto drop;
	buf_add(buf, text_of(grammar->after_value));
	/* Room stays for what closes the value. */
	if (buf->full || buf->len + strlen(grammar->close) > composer->end)
		goto drop;
	composer->key[composer->count].at = (uint16_t)(key_at - composer->start);
	composer->key[composer->count].len = (uint16_t)written_key.len;
	composer->count++;
	return true;
drop:
	buf_cut(buf, mark);
	composer->dropped++;
	return false;
}

/* The "*" member: every tag, or every member of a baggage. */
static void members_add(struct composer *composer, const struct header_rule *rule,
			template_lookup *lookup, void *arg)
{
	struct text rest, key, value;

	if (template_value(rule->value, lookup, arg, &rest))
		return;
	if (rest.len > LIST_BYTES_MAX) {
		composer->dropped++;
		return;
	}
	if (composer->kind == HEADER_BAGGAGE) {
		while (baggage_next(&rest, &key, &value))
			member_add(composer, key, value, inbound_value_add);
	} else {
		while (tags_next(&rest, &key, &value))
			member_add(composer, key, value, value_add);
	}
}

/* The value of a template: borrowed where it is one placeholder and nothing else, as most are, else
 * in *ret_memory, to be freed. Not on the stack: a host's may be small. */
static enum header_outcome expand(struct text *ret_value, char **ret_memory, struct text tmpl,
				  template_lookup *lookup, void *arg, const char **ret_reason)
{
	struct buf value;
	int result;

	*ret_memory = NULL;
	result = template_value(tmpl, lookup, arg, ret_value);
	if (result == -EINVAL) {
		*ret_memory = malloc(VALUE_BYTES_MAX + 1);
		if (!*ret_memory)
			return HEADER_NO_VALUE;
		buf_init(&value, *ret_memory, VALUE_BYTES_MAX + 1);
		result = template_expand(tmpl, lookup, arg, &value);
		*ret_value = buf_since(&value, 0);
	} else if (!result && ret_value->len > VALUE_BYTES_MAX) {
		result = -E2BIG;
	}
	switch (result) {
	case 0:
		return ret_value->len ? HEADER_SENT : HEADER_NO_VALUE;
	case -ENODATA:
		return HEADER_NO_VALUE;
	case -E2BIG:
		*ret_reason = header_error_text(HEADER_TOO_LONG);
		return HEADER_BAD_VALUE;
	default:
		*ret_reason = "its template is malformed";
		return HEADER_BAD_VALUE;
	}
}

/* True when the member has a value and was added. */
static bool fixed_member_add(struct composer *composer, const struct header_rule *rule,
			     template_lookup *lookup, void *arg)
{
	const char *reason;
	struct text value;
	bool added = false;
	char *memory;

	switch (expand(&value, &memory, rule->value, lookup, arg, &reason)) {
	case HEADER_SENT:
		added = member_add(composer, rule->name, value, value_add);
		break;
	case HEADER_BAD_VALUE:
		composer->dropped++;
		break;
	case HEADER_NO_VALUE:
		break;
	}
	free(memory);
	return added;
}

static enum header_outcome composed_add(struct buf *buf, const struct header_rule *rows,
					size_t count, template_lookup *lookup, void *arg,
					unsigned *ret_dropped, const char **ret_reason)
{
	struct composer composer = composer_start(buf, &rows[0]);
	bool complete = true;

	for (size_t i = 1; i < count; i++) {
		if (text_eq(rows[i].name, TEXT("*")))
			members_add(&composer, &rows[i], lookup, arg);
		else if (!fixed_member_add(&composer, &rows[i], lookup, arg))
			complete = false;
	}
	buf_add(buf, text_of(composer.grammar->close));
	*ret_dropped = composer.dropped;
	if (composer.count && (complete || !rows[0].require_all))
		return HEADER_SENT;
	buf_cut(buf, composer.start);
	if (!composer.dropped)
		return HEADER_NO_VALUE;
	*ret_reason = "the value of a member cannot be sent";
	return HEADER_BAD_VALUE;
}

static enum header_outcome text_add(struct buf *buf, const struct header_rule *rule,
				    template_lookup *lookup, void *arg, const char **ret_reason)
{
	enum header_outcome outcome;
	enum header_error error;
	struct text value;
	char *memory;

	outcome = expand(&value, &memory, rule->value, lookup, arg, ret_reason);
	if (outcome == HEADER_SENT) {
		error = header_value_add(buf, value,
					 rule->max_value ? rule->max_value : VALUE_BYTES_MAX);
		if (error != HEADER_OK) {
			*ret_reason = header_error_text(error);
			outcome = HEADER_BAD_VALUE;
		}
	}
	free(memory);
	return outcome;
}

enum header_outcome header_rule_value(struct buf *buf, const struct header_rule *rows, size_t count,
				      template_lookup *lookup, void *arg, unsigned *ret_dropped,
				      const char **ret_reason)
{
	*ret_dropped = 0;
	if (rows[0].kind == HEADER_TEXT)
		return text_add(buf, &rows[0], lookup, arg, ret_reason);
	return composed_add(buf, rows, header_rule_rows(rows, count), lookup, arg, ret_dropped,
			    ret_reason);
}

size_t header_rule_rows(const struct header_rule *rows, size_t count)
{
	size_t taken = 1;

	while (taken < count && rows[taken].kind == HEADER_MEMBER)
		taken++;
	return taken;
}
