/* SPDX-License-Identifier: MIT */
/* Lines out of a stream that arrives in any pieces. */
#ifndef TAGALONG_PROTOCOL_FRAME_H
#define TAGALONG_PROTOCOL_FRAME_H

#include <stddef.h>

#include "protocol/protocol_limits.h"

/* Memory that holds the longest line and its LF, or the byte in its place by which a longer line
 * shows. */
#define FRAME_BYTES (WIRE_LINE_BYTES_MAX + 1)

/* Over memory that the caller owns. */
struct frame {
	char *memory;
	size_t size;
	size_t begin; /* of the line that is being assembled */
	size_t scanned; /* no LF before this */
	size_t end;
};

/* `used` bytes are in the memory already: the rest of an earlier frame. */
void frame_init(struct frame *frame, char *memory, size_t size, size_t used);
/* Where the next bytes go, and how many fit: at least one unless a line is too long. Lines that
 * frame_next gave out are no longer valid. */
char *frame_space(struct frame *frame, size_t *ret_room);
void frame_added(struct frame *frame, size_t count);
/* The next whole line without its LF, to be read and overwritten. 1, 0 when there is none yet, or
 * -EMSGSIZE when it is longer than WIRE_LINE_BYTES_MAX or than the memory. */
int frame_next(struct frame *frame, char **ret_line, size_t *ret_len);
/* Takes up to `max` bytes of what has arrived behind the last line; returns how many. */
size_t frame_take(struct frame *frame, char *ret_bytes, size_t max);
/* What has arrived of a line that is not whole yet. */
size_t frame_pending(const struct frame *frame, const char **ret_bytes);

#endif
