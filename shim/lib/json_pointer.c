// SPDX-License-Identifier: MIT
/* Following a JSON pointer. */
#include "lib/json.h"

#include "lib/limits.h"

/* A reference token, its "~1" and "~0" undone (RFC 6901 section 4). False when it is too long. */
static bool decode_token(struct text token, struct buf *plain)
{
	for (size_t i = 0; i < token.len; i++) {
		bool escaped = token.ptr[i] == '~' && i + 1 < token.len &&
			       (token.ptr[i + 1] == '0' || token.ptr[i + 1] == '1');

		if (escaped)
			buf_char(plain, token.ptr[++i] == '0' ? '~' : '/');
		else
			buf_char(plain, token.ptr[i]);
	}
	return !plain->full;
}

static bool find_member(struct scan *scan, struct text name)
{
	bool first = true;
	struct text key;

	scan_enter(scan, '{');
	while (scan_member(scan, &first, &key)) {
		if (scan_says(key, name))
			return true;
		scan_skip(scan);
	}
	return false;
}

static bool find_element(struct scan *scan, struct text token)
{
	unsigned long index;
	bool first = true;

	/* "01" is no index. */
	if (!text_number(token, BODY_BYTES_MAX, &index) || (token.len > 1 && token.ptr[0] == '0'))
		return false;
	scan_enter(scan, '[');
	while (scan_element(scan, &first)) {
		if (!index--)
			return true;
		scan_skip(scan);
	}
	return false;
}

/* One step down. */
static bool descend(struct scan *scan, struct text token)
{
	char memory[NAME_BYTES_MAX + 1];
	struct buf plain;

	buf_init(&plain, memory, sizeof(memory));
	if (!decode_token(token, &plain))
		return false;
	switch (scan_peek(scan)) {
	case '{':
		return find_member(scan, buf_since(&plain, 0));
	case '[':
		return find_element(scan, buf_since(&plain, 0));
	default:
		return false;
	}
}

static bool add_value(struct scan *scan, struct buf *value)
{
	size_t start = value->len, count;
	struct text text;
	char bytes[4];

	switch (scan_peek(scan)) {
	case '"':
		scan_string(scan, &text);
		while (!value->full && (count = scan_unescape(&text, bytes)))
			buf_add(value, (struct text){ bytes, count });
		break;
	case '{':
	case '[':
	case 'n':
		return false;
	default:
		if (scan_word(scan, &text))
			buf_add(value, text);
	}
	if (!scan->broken && !value->full)
		return true;
	buf_cut(value, start);
	return false;
}

bool pointer_value(struct text body, struct text pointer, struct buf *ret_value)
{
	struct scan scan;
	struct text token;

	if (!pointer.len || pointer.ptr[0] != '/')
		return false;
	if (body.len > BODY_BYTES_MAX)
		body.len = BODY_BYTES_MAX;
	scan = scan_start(body);
	do {
		const char *start = pointer.ptr + 1;
		ptrdiff_t slash;

		pointer = text_from(pointer, 1);
		slash = text_find(pointer, '/');
		token = (struct text){ start, slash < 0 ? pointer.len : (size_t)slash };
		if (!descend(&scan, token))
			return false;
		pointer = text_from(pointer, token.len);
	} while (pointer.len);
	return add_value(&scan, ret_value);
}
