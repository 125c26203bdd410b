// SPDX-License-Identifier: MIT
/* Assembling lines: the bytes of an unfinished one are looked through once, however slowly they
 * come, and moved to the front only to make room. */
#include "protocol/frame.h"

#include <errno.h>
#include <string.h>

void frame_init(struct frame *frame, char *memory, size_t size, size_t used)
{
	*frame = (struct frame){ .memory = memory, .size = size, .end = used };
}

char *frame_space(struct frame *frame, size_t *ret_room)
{
	if (frame->begin) {
		memmove(frame->memory, frame->memory + frame->begin, frame->end - frame->begin);
		frame->scanned -= frame->begin;
		frame->end -= frame->begin;
		frame->begin = 0;
	}
	*ret_room = frame->size - frame->end;
	return frame->memory + frame->end;
}

void frame_added(struct frame *frame, size_t count)
{
	frame->end += count;
}

int frame_next(struct frame *frame, char **ret_line, size_t *ret_len)
{
	char *from = frame->memory + frame->scanned;
	char *newline = memchr(from, '\n', frame->end - frame->scanned);
	size_t len;

	frame->scanned = newline ? (size_t)(newline - frame->memory) + 1 : frame->end;
	len = frame->scanned - frame->begin - (newline ? 1 : 0);
	if (len > WIRE_LINE_BYTES_MAX || (!newline && len == frame->size))
		return -EMSGSIZE;
	if (!newline)
		return 0;
	*ret_line = frame->memory + frame->begin;
	*ret_len = len;
	frame->begin = frame->scanned;
	return 1;
}

size_t frame_take(struct frame *frame, char *ret_bytes, size_t max)
{
	size_t count = frame->end - frame->begin;

	if (count > max)
		count = max;
	memcpy(ret_bytes, frame->memory + frame->begin, count);
	frame->begin += count;
	frame->scanned = frame->begin;
	return count;
}

size_t frame_pending(const struct frame *frame, const char **ret_bytes)
{
	*ret_bytes = frame->memory + frame->begin;
	return frame->end - frame->begin;
}
