/* SPDX-License-Identifier: MIT */
/* Shared pages: a scope's context in memory that the service writes and processes read, and what
 * tells them whether it still holds. No descriptors here, and no mapping: see daemon/pages.h and
 * protocol/page_client.h. The text also stands in a file beside the socket, for the first request
 * of a process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol/protocol_limits.h"
#include "protocol/reply.h"

/* Both are files of this size, which cannot shrink: every reply's values fit (asserted in
 * page.c). */
#define SHARED_PAGE_BYTES 65536
#define SHARED_PAGE_TEXT_BYTES (SHARED_PAGE_BYTES - 8)

/* A scope's effective context, under a sequence counter: one writer, any readers. Words of 32 bits,
 * which every machine reads in one piece. */
struct shared_page {
	uint32_t sequence; /* odd while the text is written, and for good once it holds no more */
	uint32_t bytes; /* of text */
	/* "field NUL value NUL" for each; after an empty name, what the scope was opened with. */
	uint32_t text[SHARED_PAGE_TEXT_BYTES / 4];
};

/* The service's own: whether it lives, and whether scopes were opened or ended. */
struct control_page {
	/* A robust mutex that the service holds for life begins with this word (futex(2)): the
	 * owner's thread id, and a bit that the kernel sets when the owner ends without letting
	 * go. */
	uint32_t owner;
	uint32_t rest_of_mutex[15];
	uint32_t generation; /* changes whenever a scope opens or ends */
};

/* Whether the service lives and its scopes are those of `generation`. */
bool control_page_is_current(const struct control_page *control, uint32_t generation);

/* Appends the path of the file that shows a scope's page: beside the socket, under the scope's name
 * with "%" for "/". An empty token is the default scope's. */
void shared_page_path(struct text socket, struct text token, struct buf *ret_path);
#define SHARED_PAGE_PATH_BYTES \
	(WIRE_PATH_BYTES_MAX + sizeof(SHARED_PAGE_FOLDER) + WIRE_NAME_BYTES_MAX + 1)
#define SHARED_PAGE_FOLDER ".pages/" /* behind the socket's path */

/* The writer's side: how many bytes of the page will be in use, then the writing. */
size_t shared_page_used(const struct text value[FIELD_COUNT],
			const struct text opened_with[FIELD_COUNT]);
void shared_page_write(struct shared_page *page, const struct text value[FIELD_COUNT],
		       const struct text opened_with[FIELD_COUNT]);
void shared_page_retire(struct shared_page *page);

/* Copies the text as it stands. 0; -EAGAIN when it is being written, or holds no more; -ENOBUFS
 * when it has more than `size` bytes, and *ret_len is how many. Never reads beyond
 * SHARED_PAGE_BYTES, whatever the page says. `memory` is aligned for uint32_t, `size` a multiple
 * of 4. */
int shared_page_copy(const struct shared_page *page, void *memory, size_t size, size_t *ret_len);

/* A number that every change of the text changes, before it. */
uint32_t shared_page_sequence(const struct shared_page *page);

/* Reads the copied text; the reply's texts point into it. 0 or -EBADMSG. Fields that are not known
 * are passed over, and as in wire_read_reply no value is checked. */
int shared_page_read(const char *text, size_t len, struct wire_reply *ret_reply);
