// SPDX-License-Identifier: MIT
/* Templates. One lexer serves expanding and checking, so that what `config check` and the preset
 * compiler accept is what a request can expand. */
#include "core/template.h"

#include <errno.h>

#include "lib/limits.h"
#include "lib/chars.h"

enum token {
	TOKEN_END,
	TOKEN_TEXT, /* outside of braces */
	TOKEN_NAME, /* an alternative of a placeholder: a name */
	TOKEN_LITERAL, /* an alternative: 'text' */
	TOKEN_BAD,
};

/* After a token, `inside` tells whether its placeholder has a further alternative. */
struct lexer {
	struct text tmpl;
	size_t at; /* of what comes next, or of what is wrong */
	bool inside;
	const char *reason; /* of TOKEN_BAD */
};

static enum token bad(struct lexer *lexer, const char *reason)
{
	lexer->reason = reason;
	return TOKEN_BAD;
}

static char peek(const struct lexer *lexer, size_t ahead)
{
	size_t at = lexer->at + ahead;

	return at < lexer->tmpl.len ? lexer->tmpl.ptr[at] : '\0';
}

static bool ends_text(char c)
{
	return c == '{' || c == '}';
}

static bool ends_name(char c)
{
	/* One after the other in ASCII: { | } */
	return (c >= '{' && c <= '}') || c == '\'';
}

static bool ends_literal(char c)
{
	return c == '\'';
}

/* Takes everything before the next character that ends it, or all. */
static inline struct text take_until(struct lexer *lexer, bool (*ends)(char c))
{
	const char *start = lexer->tmpl.ptr + lexer->at;
	size_t len = 0, rest = lexer->tmpl.len - lexer->at;

	while (len < rest && !ends(start[len]))
		len++;
	lexer->at += len;
	return (struct text){ start, len };
}

static enum token lex_literal(struct lexer *lexer, struct text *ret_text)
{
	lexer->at++;
	*ret_text = take_until(lexer, ends_literal);
	if (!peek(lexer, 0))
		return bad(lexer, "the closing ' is missing");
	lexer->at++;
	if (peek(lexer, 0) != '}')
		return bad(lexer, "a literal has to be the last alternative");
	return TOKEN_LITERAL;
}

static enum token lex_alternative(struct lexer *lexer, struct text *ret_text)
{
	enum token token = TOKEN_NAME;

	if (peek(lexer, 0) == '\'') {
		token = lex_literal(lexer, ret_text);
		if (token == TOKEN_BAD)
			return token;
	} else {
		*ret_text = take_until(lexer, ends_name);
	}
	if (token == TOKEN_NAME && !ret_text->len)
		return bad(lexer, "a placeholder's name is missing");
	switch (peek(lexer, 0)) {
	case '|':
		lexer->inside = true;
		break;
	case '}':
		lexer->inside = false;
		break;
	case '{':
		return bad(lexer, "there are no placeholders in placeholders");
	case '\'':
		return bad(lexer, "a ' stands inside a name");
	default:
		return bad(lexer, "the closing } is missing");
	}
	lexer->at++;
	return token;
}

static enum token lex(struct lexer *lexer, struct text *ret_text)
{
	char c = peek(lexer, 0);

	if (lexer->inside)
		return lex_alternative(lexer, ret_text);
	if (lexer->at == lexer->tmpl.len)
		return TOKEN_END;
	if (c != '{' && c != '}') {
		*ret_text = take_until(lexer, ends_text);
		return TOKEN_TEXT;
	}
	if (c == peek(lexer, 1)) {
		*ret_text = (struct text){ lexer->tmpl.ptr + lexer->at, 1 };
		lexer->at += 2;
		return TOKEN_TEXT;
	}
	if (c == '}')
		return bad(lexer, "a } has no {");
	lexer->at++;
	return lex_alternative(lexer, ret_text);
}

/* The value of an alternative; an empty one is no value, but an empty literal is meant. */
static bool alternative_value(enum token token, struct text text, template_lookup *lookup,
			      void *arg, struct text *ret_value)
{
	struct text value = text;

	if (token == TOKEN_NAME && (!lookup(arg, text, &value) || !value.len))
		return false;
	*ret_value = value;
	return true;
}

static int expand(struct lexer *lexer, template_lookup *lookup, void *arg, struct buf *buf)
{
	bool found = false;
	struct text text;

	for (;;) {
		enum token token = lex(lexer, &text);

		switch (token) {
		case TOKEN_END:
			return buf->full ? -E2BIG : 0;
		case TOKEN_BAD:
			return -EINVAL;
		case TOKEN_TEXT:
			buf_add(buf, text);
			break;
		case TOKEN_NAME:
		case TOKEN_LITERAL:
			if (!found && alternative_value(token, text, lookup, arg, &text)) {
				buf_add(buf, text);
				found = true;
			}
			if (lexer->inside)
				break;
			if (!found)
				return -ENODATA;
			found = false;
			break;
		}
	}
}

int template_expand(struct text tmpl, template_lookup *lookup, void *arg, struct buf *ret_value)
{
	struct lexer lexer = { .tmpl = tmpl };
	size_t start = ret_value->len;
	int result = expand(&lexer, lookup, arg, ret_value);

	if (result)
		buf_cut(ret_value, start);
	return result;
}

int template_value(struct text tmpl, template_lookup *lookup, void *arg, struct text *ret_value)
{
	struct lexer lexer = { .tmpl = tmpl };
	struct text text, value = { NULL, 0 };
	bool found = false;

	do {
		enum token token = lex(&lexer, &text);

		if (token != TOKEN_NAME && token != TOKEN_LITERAL)
			return -EINVAL;
		found = found || alternative_value(token, text, lookup, arg, &value);
	} while (lexer.inside);
	if (lexer.at < tmpl.len)
		return -EINVAL;
	if (!found)
		return -ENODATA;
	*ret_value = value;
	return 0;
}

/* What is wrong, or NULL; then lexer->at is the place. */
static const char *error_of(struct lexer *lexer, template_name_check *exists, void *arg)
{
	const char *source = lexer->tmpl.ptr;
	struct text text;

	if (!lexer->tmpl.len)
		return "the template is empty";
	if (lexer->tmpl.len > TEMPLATE_BYTES_MAX)
		return "the template is too long";
	for (size_t i = 0; i < lexer->tmpl.len; i++) {
		if (char_is_control(source[i])) {
			lexer->at = i;
			return "there is a control character";
		}
	}
	for (;;) {
		enum token token = lex(lexer, &text);

		if (token == TOKEN_END)
			return NULL;
		if (token == TOKEN_BAD)
			return lexer->reason;
		if (token == TOKEN_NAME && !exists(arg, text)) {
			lexer->at = (size_t)(text.ptr - source);
			return "unknown placeholder";
		}
	}
}

int template_check(struct text tmpl, template_name_check *exists, void *arg,
		   struct template_error *ret_error)
{
	struct lexer lexer = { .tmpl = tmpl };
	const char *reason = error_of(&lexer, exists, arg);

	if (!reason)
		return 0;
	*ret_error = (struct template_error){ .offset = lexer.at, .reason = reason };
	return -EINVAL;
}
