// SPDX-License-Identifier: MIT
/* tagalong_headers: the one function for hooks in runtimes that can call C (Python's ctypes).
 * The library is in the process already, so such a hook needs no helper process, no descriptor
 * and no rules of its own: it names the target of a request that is about to be sent, and gets
 * the lines to add. */
#include "preload/hook_api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/header.h"
#include "core/log.h"
#include "core/request.h"
#include "core/request_log.h"
#include "core/variables.h"
#include "lib/clock.h"
#include "preload/debug.h"

static void identify(void *arg, const uint8_t random[UUID7_RANDOM_BYTES],
		     uint8_t ret_request_id[UUID_BYTES])
{
	uuid7_make(ret_request_id, clock_unix_ns(), random);
}

static struct text program_body(void *arg)
{
	return *(const struct text *)arg;
}

static bool add_line(struct text line, char *lines, size_t size, size_t *len)
{
	if (line.len + 2 > size - *len)
		return false;
	memcpy(lines + *len, line.ptr, line.len);
	*len += line.len;
	lines[(*len)++] = '\n';
	lines[*len] = '\0';
	return true;
}

static const void *next_program_header(void *arg, const void *cursor, uint64_t starts,
				       struct text *ret_name, struct text *ret_value)
{
	const char *line = cursor ? cursor : arg, *end;

	if (cursor)
		line += strcspn(line, "\n");
	if (cursor && line[0])
		line++;
	if (!line || !line[0])
		return NULL;
	end = line + strcspn(line, "\n");
	header_line_split((struct text){ line, (size_t)(end - line) }, ret_name, ret_value);
	return line;
}

int hook_headers(const char *method, const char *url, const char *head, const char *body,
		 size_t body_bytes, char *ret_lines, size_t size)
{
	struct text known_body = { body, body ? body_bytes : 0 };
	struct tag_request request = {
		.url = url,
		.method = method,
		.peer = TAG_PEER_BY_STRICT_NAME,
		.body = program_body,
		.body_arg = &known_body,
		.identify = identify,
		.client_sets = header_lines_have,
		.next_header = next_program_header,
		.arg = (char *)(uintptr_t)head,
		.observer = debug_observer(),
	};
	struct tag_lines *lines = NULL;
	enum tag_verdict verdict;
	size_t len = 0;
	int saved = errno;
	bool fits = size > 0;

	if (variable_is_on(VARIABLE_OFF))
		return 0;
	verdict = tag_build(&request, &lines);
	if (request.observer)
		debug_verdict(&request, tag_verdict_reason(verdict));
	for (size_t i = 0; lines && fits && i < lines->count; i++) {
		/* A hook can only add. */
		if (!lines->line[i].replaces)
			fits = add_line(tag_line_text(lines, i), ret_lines, size, &len);
	}
	if (lines && fits && len && lines->log_entry)
		log_append(lines->log_entry->path,
			   (struct text){ lines->log_entry->line, lines->log_entry->len });
	free(lines);
	errno = saved;
	if (verdict == TAG_REFUSED)
		return -1;
	return fits ? (int)len : 0;
}

int tagalong_headers(const char *method, const char *url, const char *head, const char *body,
		     size_t body_bytes, char *ret_lines, size_t size)
{
	return hook_headers(method, url, head, body, body_bytes, ret_lines, size);
}
