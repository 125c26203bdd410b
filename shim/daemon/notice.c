// SPDX-License-Identifier: MIT
/* The daemon's log lines. Each is one write(2), so that a journal or a file never splits one. */
#include "daemon/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/limits.h"
#include "lib/json.h"

static bool is_verbose, is_json;

void notice_init(bool verbose, bool json)
{
	is_verbose = verbose;
	is_json = json;
}

bool notice_wanted(void)
{
	return is_verbose;
}

/* `memory` takes the longest line: every part is bounded (names, lists of fields, messages). */
static void write_line(int fd, const char *level, const char *event,
		       const struct notice_part *parts, size_t count)
{
	char memory[2 * LOG_LINE_BYTES_MAX], now[32];
	time_t seconds = time(NULL);
	struct tm fields;
	ssize_t written;
	struct buf line;

	buf_init(&line, memory, sizeof(memory) - 1); /* the LF takes the last byte */
	if (is_json) {
		strftime(now, sizeof(now), "%FT%TZ", gmtime_r(&seconds, &fields));
		buf_char(&line, '{');
		json_write_text(&line, "time", text_of(now));
		json_write_text(&line, level, text_of(event));
	} else {
		buf_add(&line, text_of(event));
	}
	for (size_t i = 0; i < count; i++) {
		if (is_json)
			json_write_text(&line, parts[i].key, parts[i].text);
		if (is_json || !parts[i].text.len)
			continue;
		buf_char(&line, ' ');
		buf_add(&line, text_of(parts[i].key));
		buf_char(&line, '=');
		buf_add(&line, parts[i].text);
	}
	if (is_json)
		buf_char(&line, '}');
	line.data[line.len++] = '\n';
	written = write(fd, line.data, line.len);
	(void)written; /* stderr is gone: there is nowhere to report that */
}

void notice_event_parts(const char *event, const struct notice_part *parts, size_t count)
{
	if (is_verbose)
		write_line(STDOUT_FILENO, "event", event, parts, count);
}

void notice_warning(const char *format, ...)
{
	static const char prefix[] = "tagalong serve: ";
	char message[LOG_LINE_BYTES_MAX];
	size_t start = is_json ? 0 : sizeof(prefix) - 1;
	va_list list;

	memcpy(message, prefix, sizeof(prefix));
	va_start(list, format);
	vsnprintf(message + start, sizeof(message) - start, format, list);
	va_end(list);
	write_line(STDERR_FILENO, "warning", message, NULL, 0);
}
