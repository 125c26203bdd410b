// SPDX-License-Identifier: MIT
/* Lines out of a stream, cut at every place. */
#include "suite.h"

#include <errno.h>
#include <stdlib.h>

#include "protocol/frame.h"

/* Feeds the stream in pieces of `step` bytes and joins the lines with "|". */
static size_t feed(struct text stream, size_t step, size_t size, char *joined)
{
	char *memory = malloc(size), *line;
	struct frame frame;
	size_t lines = 0, out = 0, len;

	frame_init(&frame, memory, size, 0);
	while (stream.len) {
		size_t room, count;
		char *space = frame_space(&frame, &room);

		count = step < room ? step : room;
		count = count < stream.len ? count : stream.len;
		memcpy(space, stream.ptr, count);
		frame_added(&frame, count);
		stream = text_from(stream, count);
		while (frame_next(&frame, &line, &len) > 0) {
			memcpy(joined + out, line, len);
			memset(line, '#', len); /* the reader may do so */
			joined[out + len] = '|';
			out += len + 1;
			lines++;
		}
	}
	joined[out] = '\0';
	free(memory);
	return lines;
}

static void pieces(void)
{
	const struct text stream = TEXT("one\n\ntwo and more\nthree\r\nunfinished");
	char joined[64];

	for (size_t step = 1; step <= stream.len; step++) {
		CHECK(feed(stream, step, 20, joined) == 4, "lines");
		CHECK_TEXT(text_of(joined), TEXT("one||two and more|three\r|"), "text");
	}
}

static void limits(void)
{
	char *memory = malloc(FRAME_BYTES), *line;
	struct frame frame;
	size_t room, len;

	/* The longest line fills the memory, its LF is the last byte. */
	frame_init(&frame, memory, FRAME_BYTES, 0);
	memset(frame_space(&frame, &room), 'x', WIRE_LINE_BYTES_MAX);
	frame_added(&frame, WIRE_LINE_BYTES_MAX);
	CHECK(frame_next(&frame, &line, &len) == 0, "not whole yet");
	*frame_space(&frame, &room) = '\n';
	CHECK(room == 1, "room for the LF");
	frame_added(&frame, 1);
	CHECK(frame_next(&frame, &line, &len) == 1 && len == WIRE_LINE_BYTES_MAX, "whole");
	CHECK(frame_next(&frame, &line, &len) == 0, "nothing more");
	frame_space(&frame, &room);
	CHECK(room == FRAME_BYTES, "all free again");

	/* One byte more is too long, whether its LF came or not. */
	frame_init(&frame, memory, FRAME_BYTES, 0);
	memset(frame_space(&frame, &room), 'x', FRAME_BYTES);
	frame_added(&frame, FRAME_BYTES);
	CHECK(frame_next(&frame, &line, &len) == -EMSGSIZE, "too long");
	free(memory);
}

static void rest(void)
{
	char memory[32] = "whole\npart", other[32], *line;
	const char *bytes;
	struct frame frame;
	size_t len;

	frame_init(&frame, memory, sizeof(memory), 10);
	CHECK(frame_next(&frame, &line, &len) == 1, "one line");
	CHECK_TEXT(((struct text){ line, len }), TEXT("whole"), "line");
	len = frame_pending(&frame, &bytes);
	CHECK_TEXT(((struct text){ bytes, len }), TEXT("part"), "pending");
	memcpy(other, bytes, len);
	memcpy(other + len, "ial\n", 4);
	frame_init(&frame, other, sizeof(other), len + 4);
	CHECK(frame_next(&frame, &line, &len) == 1, "goes on elsewhere");
	CHECK_TEXT(((struct text){ line, len }), TEXT("partial"), "line");
}

static const struct suite_test tests[] = { TEST(pieces), TEST(limits), TEST(rest) };

SUITE("frame", tests)
