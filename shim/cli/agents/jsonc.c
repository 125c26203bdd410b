// SPDX-License-Identifier: MIT
/* A scanner over JSON with comments that notes places in the text. It builds nothing: whoever edits
 * a person's file by parsing and printing loses the comments and the formatting. */
#include "cli/agents/jsonc.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Settings are three or four deep; the scanner recurses. */
#define DEPTH_MAX 64
#define OFF_PATH SIZE_MAX

struct jsonc_scan {
	struct text text;
	size_t at;
	const struct jsonc_target *target;
	const char *error;
	unsigned depth;
	/* The innermost container on the path: how many keys led to it, where its inside begins,
	 * and its first member or element. */
	size_t matched, inside, first;
	bool has_first;
	/* The element; the commas beside it. */
	bool found;
	struct jsonc_span element;
	size_t comma_before, comma_after; /* 0: none */
};

static char peek(const struct jsonc_scan *scan)
{
	return scan->at < scan->text.len ? scan->text.ptr[scan->at] : '\0';
}

static bool fail(struct jsonc_scan *scan, const char *error)
{
	if (!scan->error)
		scan->error = error;
	return false;
}

static bool starts(const struct jsonc_scan *scan, const char *word)
{
	return text_starts_with(text_from(scan->text, scan->at), text_of(word));
}

static void skip_until(struct jsonc_scan *scan, const char *end, const char *error)
{
	while (scan->at < scan->text.len && !starts(scan, end))
		scan->at++;
	if (scan->at == scan->text.len && error)
		fail(scan, error);
	else if (scan->at < scan->text.len)
		scan->at += strlen(end);
}

static void skip_space(struct jsonc_scan *scan)
{
	for (;;) {
		if (peek(scan) && strchr(" \t\r\n", peek(scan)))
			scan->at++;
		else if (!scan->target->strict && starts(scan, "//"))
			skip_until(scan, "\n", NULL);
		else if (!scan->target->strict && starts(scan, "/*"))
			skip_until(scan, "*/", "the comment does not end");
		else
			return;
		if (scan->error)
			return;
	}
}

static bool scan_string(struct jsonc_scan *scan)
{
	if (peek(scan) != '"')
		return fail(scan, "expected a string");
	for (scan->at++; peek(scan) != '"'; scan->at++) {
		if ((unsigned char)peek(scan) < ' ')
			return fail(scan, "the string does not end on its line");
		if (peek(scan) != '\\')
			continue;
		scan->at++;
		if (!peek(scan) || !strchr("\"\\/bfnrtu", peek(scan)))
			return fail(scan, "invalid escape in a string");
	}
	scan->at++;
	return true;
}

static bool scan_word(struct jsonc_scan *scan)
{
	size_t start = scan->at;
	struct text word;

	while (ascii_is_alnum(peek(scan)) || (peek(scan) && strchr("+-.", peek(scan))))
		scan->at++;
	word = (struct text){ scan->text.ptr + start, scan->at - start };
	if (text_eq(word, TEXT("true")) || text_eq(word, TEXT("false")) ||
	    text_eq(word, TEXT("null")))
		return true;
	if (word.len && (word.ptr[0] == '-' || (word.ptr[0] >= '0' && word.ptr[0] <= '9')))
		return true;
	scan->at = start;
	return fail(scan, "expected a value");
}

static bool scan_value(struct jsonc_scan *scan, size_t matched);

static bool scan_member(struct jsonc_scan *scan, size_t matched)
{
	size_t start = scan->at;
	struct text key;
	bool on_path;

	if (!scan_string(scan))
		return false;
	key = (struct text){ scan->text.ptr + start + 1, scan->at - start - 2 };
	on_path = matched < scan->target->path_len &&
		  text_eq(key, text_of(scan->target->path[matched]));
	skip_space(scan);
	if (peek(scan) != ':')
		return fail(scan, "expected a colon");
	scan->at++;
	skip_space(scan);
	return scan_value(scan, on_path ? matched + 1 : OFF_PATH);
}

static void note_element(struct jsonc_scan *scan, size_t start, size_t comma)
{
	struct text element = { scan->text.ptr + start, scan->at - start };

	if (scan->found || !text_eq(element, text_of(scan->target->element)))
		return;
	scan->found = true;
	scan->element = (struct jsonc_span){ start, element.len };
	scan->comma_before = comma;
	skip_space(scan);
	scan->comma_after = peek(scan) == ',' ? scan->at : 0;
}

/* At the opening bracket. */
static bool scan_container(struct jsonc_scan *scan, size_t matched, char close)
{
	bool target = close == ']' && matched == scan->target->path_len;
	size_t comma = 0;

	if (++scan->depth > DEPTH_MAX)
		return fail(scan, "brackets are nested too deeply");
	scan->at++;
	if (matched != OFF_PATH) {
		scan->matched = matched;
		scan->inside = scan->at;
		scan->has_first = false;
	}
	for (skip_space(scan); peek(scan) != close && !scan->error; skip_space(scan)) {
		size_t start = scan->at;

		if (!comma && matched != OFF_PATH) {
			scan->first = start;
			scan->has_first = true;
		}
		if (close == '}' ? !scan_member(scan, matched) : !scan_value(scan, OFF_PATH))
			return false;
		if (target)
			note_element(scan, start, comma);
		skip_space(scan);
		if (peek(scan) != ',' && peek(scan) != close)
			return fail(scan, "expected a comma or a closing bracket");
		if (peek(scan) != ',')
			continue;
		comma = scan->at++;
		skip_space(scan);
		if (peek(scan) == close && scan->target->strict)
			return fail(scan, "trailing comma before a closing bracket");
	}
	if (scan->error)
		return false;
	scan->at++;
	scan->depth--;
	return true;
}

static bool scan_value(struct jsonc_scan *scan, size_t matched)
{
	char c = peek(scan);
	bool array = matched == scan->target->path_len;

	if (matched != OFF_PATH && c != (array ? '[' : '{'))
		return fail(scan, array ? "expected an array here" : "expected an object here");
	if (c == '{' || c == '[')
		return scan_container(scan, matched, c == '{' ? '}' : ']');
	return c == '"' ? scan_string(scan) : scan_word(scan);
}

static int run(struct jsonc_scan *scan, struct text text, const struct jsonc_target *target,
	       struct jsonc_error *ret_error)
{
	*scan = (struct jsonc_scan){ .text = text, .target = target };
	if (text_starts_with(text, TEXT("\xEF\xBB\xBF")))
		scan->at = 3;
	skip_space(scan);
	if (!scan->error && scan_value(scan, 0)) {
		skip_space(scan);
		if (scan->at < text.len)
			fail(scan, "unexpected text after the end");
	}
	if (!scan->error)
		return 0;
	*ret_error = (struct jsonc_error){ scan->error, scan->at };
	return -EINVAL;
}

int jsonc_find(struct text text, const struct jsonc_target *target, struct jsonc_span *ret_span,
	       struct jsonc_error *ret_error)
{
	struct jsonc_scan scan;
	size_t end;

	if (run(&scan, text, target, ret_error))
		return -EINVAL;
	if (!scan.found)
		return -ENOENT;
	end = scan.element.start + scan.element.len;
	if (scan.comma_after) {
		scan.at = scan.comma_after + 1;
		while (peek(&scan) && strchr(" \t\r\n", peek(&scan)))
			scan.at++;
		end = scan.at;
	} else if (scan.comma_before) {
		scan.element.start = scan.comma_before;
	}
	*ret_span = (struct jsonc_span){ scan.element.start, end - scan.element.start };
	return 0;
}

int jsonc_insertion(struct text text, const struct jsonc_target *target, size_t *ret_at,
		    char **ret_insert, struct jsonc_error *ret_error)
{
	struct text gap = { NULL, 0 };
	struct jsonc_scan scan;
	char *insert = NULL;
	size_t size;
	FILE *out;

	if (run(&scan, text, target, ret_error))
		return -EINVAL;
	if (scan.found)
		return -EEXIST;
	out = open_memstream(&insert, &size);
	if (!out)
		return -ENOMEM;
	for (size_t i = scan.matched; i < target->path_len; i++)
		fprintf(out, "\"%s\": %c", target->path[i], i + 1 < target->path_len ? '{' : '[');
	fputs(target->element, out);
	for (size_t i = target->path_len; i > scan.matched; i--)
		fputc(i == target->path_len ? ']' : '}', out);
	/* What follows is set apart as it was from the bracket. */
	if (scan.has_first) {
		gap = (struct text){ text.ptr + scan.inside, scan.first - scan.inside };
		fputc(',', out);
		if (strspn(gap.ptr, " \t\r\n") >= gap.len)
			fwrite(gap.ptr, 1, gap.len, out);
		else
			fputc(' ', out);
	}
	if (fclose(out)) {
		free(insert);
		return -ENOMEM;
	}
	*ret_at = scan.has_first ? scan.first : scan.inside;
	*ret_insert = insert;
	return 0;
}
