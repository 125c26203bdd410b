// SPDX-License-Identifier: MIT
/* What may leave as a header of ours. A bad name or value found here costs our header; found by
 * libcurl, a server or an HTTP/2 peer it would cost the client's whole request. */
#include "core/header.h"

#include "lib/limits.h"
#include "lib/chars.h"

/* Names that are never set, in lower case; a "*" at the end stands for any rest. */
static const char credentials[][28] = {
	/* and who pays */
	"authorization",
	"proxy-*",
	"cookie",
	"cookie2",
	"set-cookie",
	"set-cookie2",
	"x-api-key",
	"api-key",
	"x-goog-api-key",
	"openai-organization",
	"openai-project",
	"cf-aig-authorization",
	"helicone-auth",
	"x-litellm-api-key",
	"x-portkey-api-key",
	"x-portkey-virtual-key",
	"x-auth-token",
	"x-access-token",
	"x-functions-key",
	"ocp-apim-subscription-key",
};
static const char reserved[][28] = {
	/* framing, connection and negotiation: libcurl's own business */
	"host",
	"content-*",
	"transfer-encoding",
	"te",
	"trailer",
	"connection",
	"keep-alive",
	"upgrade",
	"http2-settings",
	"expect",
	"accept",
	"accept-*",
	"range",
	"if-*",
	"date",
	"user-agent",
	/* what controls the relay, and is no metadata */
	"anthropic-*",
	"x-amz-*",
	"x-litellm-timeout",
	"x-litellm-stream-timeout",
	"x-litellm-num-retries",
	"x-portkey-config",
	"x-portkey-provider",
};

bool header_name_ok(struct text name)
{
	/* nginx drops a header with "_" in its name, silently, unless configured otherwise. */
	return name.len <= NAME_BYTES_MAX && chars_are_token(name) && text_find(name, '_') < 0;
}

static bool is_listed(struct text name, const char (*names)[28], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text entry, start = name;

		if (!name.len || ascii_lower(name.ptr[0]) != names[i][0])
			continue;
		entry = text_of(names[i]);
		if (text_ends_with(entry, TEXT("*"))) {
			entry.len--;
			start.len = name.len < entry.len ? name.len : entry.len;
		}
		if (text_eq_nocase(start, entry))
			return true;
	}
	return false;
}

#define IS_LISTED(name, names) is_listed(name, names, sizeof(names) / sizeof((names)[0]))

bool header_name_eq(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char x = a.ptr[i] == '_' ? '-' : ascii_lower(a.ptr[i]);

		if (x != (b.ptr[i] == '_' ? '-' : ascii_lower(b.ptr[i])))
			return false;
	}
	return true;
}

uint64_t header_name_bit(struct text name)
{
	if (!name.len)
		return 0;
	return HEADER_NAME_BIT(name.len, name.ptr[0] == '_' ? '-' : name.ptr[0]);
}

void header_filter_add(struct header_filter *filter, struct text name)
{
	filter->names |= header_name_bit(name);
	if (name.len > 1 && name.ptr[0] != '-')
		filter->starts |= HEADER_START_BITS(name.ptr[0], name.ptr[1]);
	else
		filter->starts = UINT64_MAX; /* what stands behind it may be anything */
}

bool header_name_secret(struct text name)
{
	return IS_LISTED(name, credentials);
}

bool header_name_forbidden(struct text name)
{
	return header_name_secret(name) || IS_LISTED(name, reserved);
}

const char *header_error_text(enum header_error error)
{
	switch (error) {
	case HEADER_OK:
		return "is fit to send";
	case HEADER_EMPTY:
		return "is empty";
	case HEADER_TOO_LONG:
		return "is too long";
	case HEADER_CONTROL:
		return "has a control character";
	case HEADER_BLANKS:
		return "has leading, trailing or repeated spaces";
	case HEADER_NOT_UTF8:
		return "is not UTF-8";
	}
	return "";
}

enum header_error header_text_error(struct text text)
{
	struct text rest = text;
	uint32_t point;

	if (!text.len)
		return HEADER_EMPTY;
	for (size_t i = 0; i < text.len; i++) {
		if (char_is_control(text.ptr[i]))
			return HEADER_CONTROL;
	}
	while (utf8_next(&rest, &point))
		;
	return rest.len ? HEADER_NOT_UTF8 : HEADER_OK;
}

static bool has_loose_blanks(struct text value)
{
	if (text_trim(value).len != value.len)
		return true;
	for (size_t i = 1; i < value.len; i++) {
		if (value.ptr[i] == ' ' && value.ptr[i - 1] == ' ')
			return true;
	}
	return false;
}

/* What nearly all values are: visible ASCII and single spaces inside, nothing to encode. */
static bool is_plain(struct text value)
{
	char before = ' ';

	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if ((c < '!' || c > '~') && (c != ' ' || before == ' '))
			return false;
		before = c;
	}
	return before != ' ';
}

static bool is_ascii(struct text value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] & 0x80)
			return false;
	}
	return true;
}

enum header_error header_value_add(struct buf *buf, struct text value, size_t max_bytes)
{
	enum header_error error;
	size_t start = buf->len;
	bool ascii;

	if (value.len <= max_bytes && is_plain(value)) {
		buf_add(buf, value);
		if (!buf->full)
			return HEADER_OK;
		buf_cut(buf, start);
		return HEADER_TOO_LONG;
	}
	error = header_text_error(value);
	if (error != HEADER_OK)
		return error;
	if (has_loose_blanks(value))
		return HEADER_BLANKS;
	if (value.len > max_bytes)
		return HEADER_TOO_LONG; /* encoding does not make it shorter */
	ascii = is_ascii(value);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c & 0x80 || (c == '%' && !ascii))
			percent_add(buf, c);
		else
			buf_char(buf, c);
	}
	if (!buf->full && buf->len - start <= max_bytes)
		return HEADER_OK;
	buf_cut(buf, start);
	return HEADER_TOO_LONG;
}

void header_line_split(struct text line, struct text *ret_name, struct text *ret_value)
{
	ptrdiff_t at = text_find(line, ':');

	*ret_value = at < 0 ? TEXT("") : text_from(line, (size_t)at + 1);
	if (at < 0)
		at = text_find(line, ';');
	*ret_name = line;
	if (at < 0)
		return;
	while (at && ascii_is_blank(line.ptr[at - 1]))
		at--;
	ret_name->len = (size_t)at;
}

struct text header_line_name(struct text line)
{
	struct text name, value;

	header_line_split(line, &name, &value);
	return name;
}

bool header_lines_have(void *arg, struct text name)
{
	struct text rest = text_of(arg), line;

	while (text_next(&rest, '\n', &line)) {
		if (header_name_eq(header_line_name(line), name))
			return true;
	}
	return false;
}
