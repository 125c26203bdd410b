// SPDX-License-Identifier: MIT
/* The one value that we want from a git configuration: remote "origin"'s url. Syntax as in
 * git-config(1): section headers with a quoted subsection, "#" and ";" comments, quotes and
 * backslashes in values, a backslash at the end of a line. Includes and url.insteadOf are not
 * followed: they do not change a repository's name. */
#include "core/project.h"

#include "lib/limits.h"

static bool at_end(struct text rest)
{
	return !rest.len;
}

static char peek(struct text rest)
{
	return rest.len ? rest.ptr[0] : '\0';
}

static void skip_line(struct text *rest)
{
	ptrdiff_t newline = text_find(*rest, '\n');

	*rest = newline < 0 ? (struct text){ NULL, 0 } : text_from(*rest, (size_t)newline + 1);
}

static void skip_blanks(struct text *rest)
{
	while (ascii_is_blank(peek(*rest)) || peek(*rest) == '\r')
		*rest = text_from(*rest, 1);
}

static struct text take_word(struct text *rest)
{
	struct text word = { rest->ptr, 0 };

	while (word.len < rest->len &&
	       (ascii_is_alnum(rest->ptr[word.len]) || rest->ptr[word.len] == '-'))
		word.len++;
	*rest = text_from(*rest, word.len);
	return word;
}

/* At "[": whether this is [remote "origin"]. Leaves *rest behind the "]" on the same line, where
 * git allows a first variable. */
static bool take_header(struct text *rest)
{
	struct text name;
	bool origin;

	*rest = text_from(*rest, 1);
	name = take_word(rest);
	skip_blanks(rest);
	/* The subsection's name counts by letter case, the section's does not. */
	origin = text_eq_nocase(name, TEXT("remote")) &&
		 text_starts_with(*rest, TEXT("\"origin\"]"));
	while (!at_end(*rest) && peek(*rest) != ']' && peek(*rest) != '\n')
		*rest = text_from(*rest, 1);
	if (peek(*rest) == ']')
		*rest = text_from(*rest, 1);
	return origin;
}

static char unescape(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'b' ? '\b' : c;
}

/* Behind "=": the value up to the end of the line, with quotes, escapes and comments resolved. */
static struct text take_value(struct text *rest, struct buf *memory)
{
	size_t start = memory->len, kept = memory->len;
	bool quoted = false;

	skip_blanks(rest);
	while (!at_end(*rest)) {
		char c = peek(*rest);

		*rest = text_from(*rest, 1);
		if (c == '\n' || (!quoted && (c == '#' || c == ';'))) {
			if (c != '\n')
				skip_line(rest);
			break;
		}
		if (c == '"') {
			quoted = !quoted;
			kept = memory->len;
			continue;
		}
		if (c == '\\' && !at_end(*rest)) {
			c = peek(*rest);
			*rest = text_from(*rest, 1);
			if (c == '\n')
				continue;
			c = unescape(c);
		}
		buf_char(memory, c);
		/* Blanks at the end of a line do not belong to the value, unless quoted. */
		if (quoted || !(ascii_is_blank(c) || c == '\r'))
			kept = memory->len;
	}
	/* A url that is too long to keep has no name either: half of it would give a wrong one. */
	buf_cut(memory, memory->full ? start : kept);
	return buf_since(memory, start);
}

bool git_config_origin(struct text config, struct buf *memory, struct text *ret_url)
{
	bool in_origin = false;
	struct text rest = config;

	while (!at_end(rest)) {
		size_t start = memory->len;
		struct text key, value;

		skip_blanks(&rest);
		if (peek(rest) == '[') {
			in_origin = take_header(&rest);
			continue;
		}
		key = take_word(&rest);
		skip_blanks(&rest);
		if (!key.len || peek(rest) != '=') {
			skip_line(&rest);
			continue;
		}
		rest = text_from(rest, 1);
		/* Read, not skipped, for every key: a quoted or continued value may hold what
		 * looks like a section. */
		value = take_value(&rest, memory);
		if (in_origin && text_eq_nocase(key, TEXT("url"))) {
			*ret_url = value;
			return value.len > 0;
		}
		buf_cut(memory, start);
	}
	return false;
}

/* Of a url with a scheme, its path: what stands before it or behind it may hold a password. */
static struct text path_of(struct text url)
{
	ptrdiff_t colon = text_find(url, ':'), end;

	if (colon < 0 || !text_starts_with(text_from(url, (size_t)colon), TEXT("://")))
		return url;
	url = text_from(url, (size_t)colon + 3);
	for (const char *behind = "?#"; *behind; behind++) {
		end = text_find(url, *behind);
		if (end >= 0)
			url.len = (size_t)end;
	}
	end = text_find(url, '/');
	return text_from(url, end < 0 ? url.len : (size_t)end);
}

struct text git_url_name(struct text url)
{
	ptrdiff_t slash, colon;

	url = path_of(url);
	while (url.len && url.ptr[url.len - 1] == '/')
		url.len--;
	slash = text_find_last(url, '/');
	colon = text_find_last(url, ':');
	/* host:repo.git has no slash */
	url = text_from(url, (size_t)((slash > colon ? slash : colon) + 1));
	if (text_ends_with(url, TEXT(".git")))
		url.len -= 4;
	if (url.len > PROJECT_ID_BYTES_MAX)
		url = text_from(url, url.len - PROJECT_ID_BYTES_MAX);
	return url;
}
