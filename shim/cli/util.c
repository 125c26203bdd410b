// SPDX-License-Identifier: MIT
/* What all commands share: errors on stderr, memory or the end, and text that is safe to show. */
#include "cli/command.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chars.h"

static char program[PATH_MAX];

__attribute__((format(printf, 1, 0))) static void report(const char *format, va_list list)
{
	fputs("tagalong: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
}

void report_error(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report(format, list);
	va_end(list);
}

void die(int code, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report(format, list);
	va_end(list);
	exit(code);
}

static void *need(void *memory)
{
	if (!memory)
		die(EXIT_TROUBLE, "out of memory");
	return memory;
}

void *array_grow(void *array, size_t count, size_t size)
{
	/* Doubled whenever it is full, which a count that is a power of two shows. */
	if (count & (count - 1))
		return array;
	return need(reallocarray(array, count ? count * 2 : 1, size));
}

char *text_copy(struct text text)
{
	return need(strndup(text.ptr ? text.ptr : "", text.len));
}

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	return need(text);
}

bool parse_duration(struct text text, unsigned long max, uint64_t *ret_seconds)
{
	static const char units[] = "smhd";
	static const unsigned seconds[] = { 1, 60, 3600, 86400 };
	ptrdiff_t unit = text.len ? text_find(text_of(units), text.ptr[text.len - 1]) : -1;
	unsigned long number;

	text.len -= unit >= 0;
	unit = unit < 0 ? 0 : unit;
	if (!text_number(text, max / seconds[unit], &number))
		return false;
	*ret_seconds = (uint64_t)number * seconds[unit];
	return true;
}

/* C0, DEL and C1; and what changes the direction of the text that follows (UAX 9). */
static bool steers_terminal(uint32_t point)
{
	return (point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0) ||
	       point == 0x61c || point == 0x200e || point == 0x200f ||
	       (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

char *make_printable(char *text)
{
	struct text rest = text_of(text);
	char *end = text;

	while (rest.len) {
		struct text start = rest;
		uint32_t point = 0;

		if (!utf8_next(&rest, &point))
			rest = text_from(rest, 1);
		if (steers_terminal(point)) {
			*end++ = '?';
			continue;
		}
		memmove(end, start.ptr, start.len - rest.len);
		end += start.len - rest.len;
	}
	*end = '\0';
	return text;
}

const char *program_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *program_path(void)
{
	return program;
}

void set_program_path(const char *path)
{
	snprintf(program, sizeof(program), "%s", path);
}
