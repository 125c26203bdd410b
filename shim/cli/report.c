// SPDX-License-Identifier: MIT
/* What the commands say on stderr when something is wrong. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/help.h"

void report_error(const char *format, ...)
{
	va_list list;

	fputs("tagalong: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

int usage_error(const struct command *command, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "tagalong %s: ", command->name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	print_usage(stderr, command);
	fprintf(stderr, "Try: tagalong %s --help\n", command->name);
	return EXIT_USAGE;
}
