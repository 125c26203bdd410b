// SPDX-License-Identifier: MIT
#include "cli/agents/diff.h"

#include <stdio.h>

/* The bytes up to the end of the last whole line that both texts begin with. */
static size_t common_head(struct text a, struct text b)
{
	size_t line = 0;

	for (size_t i = 0; i < a.len && i < b.len && a.ptr[i] == b.ptr[i]; i++) {
		if (a.ptr[i] == '\n')
			line = i + 1;
	}
	return line;
}

/* The same from the ends. */
static size_t common_tail(struct text a, struct text b)
{
	size_t line = 0;

	for (size_t i = 0; i < a.len && i < b.len; i++) {
		if (a.ptr[a.len - 1 - i] != b.ptr[b.len - 1 - i])
			return line;
		if (i + 1 == a.len || i + 1 == b.len || a.ptr[a.len - 2 - i] == '\n')
			line = i + 1;
	}
	return line;
}

static void print_lines(char mark, struct text text)
{
	struct text line;

	while (text_next(&text, '\n', &line)) {
		if (line.len || text.len)
			printf("  %c %.*s\n", mark, (int)line.len, line.ptr);
	}
}

void diff_print(const char *path, struct text before, struct text after)
{
	size_t head, tail;

	printf("%s%s\n", path,
	       !before.ptr ? " (new file)" : !after.ptr ? " (the file goes)" : "");
	before = before.ptr ? before : TEXT("");
	after = after.ptr ? after : TEXT("");
	head = common_head(before, after);
	before = text_from(before, head);
	after = text_from(after, head);
	tail = common_tail(before, after);
	before.len -= tail;
	after.len -= tail;
	print_lines('-', before);
	print_lines('+', after);
}
