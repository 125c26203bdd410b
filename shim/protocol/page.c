// SPDX-License-Identifier: MIT
/* A sequence counter after Boehm, "Can seqlocks get along with programming language memory
 * models?" (MSPC 2012): the text is read and written in atomic words, so a reader that overlaps
 * with the writer sees a mixture, finds that the counter has moved, and throws it away. Neither
 * waits for the other. Each word is released after the odd count and acquired before the second
 * look at it; a fence would do the same, but ThreadSanitizer knows of none. */
#include "protocol/page.h"

#include <errno.h>

#include "lib/buf.h"

/* How often a reader that was overtaken tries again, before it asks on the socket. */
#define TRIES 8

/* futex(2) and linux/futex.h: FUTEX_OWNER_DIED, FUTEX_TID_MASK. */
#define OWNER_DIED UINT32_C(0x40000000)
#define OWNER_MASK UINT32_C(0x3FFFFFFF)

_Static_assert(sizeof(struct shared_page) == SHARED_PAGE_BYTES, "the page is the file");
_Static_assert(offsetof(struct control_page, generation) == 64, "docs/protocol.md");
_Static_assert((FIELD_COUNT - 3) * WIRE_ID_BYTES_MAX + 3 * WIRE_LIST_BYTES_MAX + WIRE_ID_BYTES_MAX +
			       2 * WIRE_LIST_BYTES_MAX + (FIELD_COUNT + 3) * 32 <
		       SHARED_PAGE_TEXT_BYTES,
	       "every context fits a page");

bool control_page_is_current(const struct control_page *control, uint32_t generation)
{
	uint32_t owner = __atomic_load_n(&control->owner, __ATOMIC_ACQUIRE);

	return owner & OWNER_MASK && !(owner & OWNER_DIED) &&
	       __atomic_load_n(&control->generation, __ATOMIC_ACQUIRE) == generation;
}

void shared_page_path(struct text socket, struct text token, struct buf *ret_path)
{
	buf_add(ret_path, socket);
	buf_add(ret_path, TEXT(SHARED_PAGE_FOLDER));
	if (!token.len)
		token = TEXT("default");
	for (size_t i = 0; i < token.len; i++)
		buf_char(ret_path, token.ptr[i] == '/' ? '%' : token.ptr[i]);
}

/* Puts bytes into atomic words. */
struct pen {
	uint32_t *words;
	uint32_t bytes;
	uint32_t word; /* that is being filled */
};

static void put(struct pen *pen, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned at = pen->bytes++ % sizeof(pen->word);

		memcpy((char *)&pen->word + at, &bytes[i], 1);
		if (at == sizeof(pen->word) - 1)
			__atomic_store_n(pen->words++, pen->word, __ATOMIC_RELEASE);
	}
}

static void put_fields(struct pen *pen, const struct text value[FIELD_COUNT])
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		const char *name = field_name(field);

		if (!value[field].len)
			continue;
		put(pen, name, strlen(name) + 1);
		put(pen, value[field].ptr, value[field].len);
		put(pen, "", 1);
	}
}

static size_t fields_bytes(const struct text value[FIELD_COUNT])
{
	size_t bytes = 0;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (value[field].len)
			bytes += strlen(field_name(field)) + value[field].len + 2;
	}
	return bytes;
}

size_t shared_page_used(const struct text value[FIELD_COUNT],
			const struct text opened_with[FIELD_COUNT])
{
	/* The word that the last byte is in, too. */
	return offsetof(struct shared_page, text) + fields_bytes(value) + 1 +
	       fields_bytes(opened_with) + sizeof(uint32_t);
}

void shared_page_write(struct shared_page *page, const struct text value[FIELD_COUNT],
		       const struct text opened_with[FIELD_COUNT])
{
	uint32_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_RELAXED);
	struct pen pen = { .words = page->text };

	__atomic_store_n(&page->sequence, sequence + 1, __ATOMIC_RELAXED);
	put_fields(&pen, value);
	put(&pen, "", 1);
	put_fields(&pen, opened_with);
	__atomic_store_n(pen.words, pen.word, __ATOMIC_RELEASE);
	__atomic_store_n(&page->bytes, pen.bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&page->sequence, sequence + 2, __ATOMIC_RELEASE);
}

void shared_page_retire(struct shared_page *page)
{
	uint32_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_RELAXED);

	__atomic_store_n(&page->sequence, sequence | 1, __ATOMIC_RELEASE);
}

/* One try. */
static int copy(const struct shared_page *page, uint32_t *words, size_t size, size_t *ret_len)
{
	uint32_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
	uint32_t bytes = __atomic_load_n(&page->bytes, __ATOMIC_ACQUIRE);

	if (sequence & 1 || bytes > SHARED_PAGE_TEXT_BYTES)
		return -EAGAIN;
	for (size_t i = 0; bytes <= size && i < (bytes + 3) / 4; i++)
		words[i] = __atomic_load_n(&page->text[i], __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&page->sequence, __ATOMIC_RELAXED) != sequence)
		return -EAGAIN;
	*ret_len = bytes;
	return bytes <= size ? 0 : -ENOBUFS;
}

int shared_page_copy(const struct shared_page *page, void *memory, size_t size, size_t *ret_len)
{
	int result = -EAGAIN;

	for (int i = 0; i < TRIES && result == -EAGAIN; i++)
		result = copy(page, memory, size, ret_len);
	return result;
}

uint32_t shared_page_sequence(const struct shared_page *page)
{
	return __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
}

/* Takes a text that ends with NUL off the front. */
static bool take(const char **at, const char *end, struct text *ret_text)
{
	const char *nul = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;

	if (!nul)
		return false;
	*ret_text = (struct text){ *at, (size_t)(nul - *at) };
	*at = nul + 1;
	return true;
}

/* Up to an empty name, or to the end where that is enough. */
static bool read_fields(const char **at, const char *end, bool to_end,
			struct text value[FIELD_COUNT])
{
	enum field next = 0; /* they are written in this order, as a rule */
	struct text name, text;

	while (*at < end || !to_end) {
		if (!take(at, end, &name))
			return false;
		if (!name.len)
			return !to_end;
		while (next < FIELD_COUNT && !text_eq(name, text_of(field_name(next))))
			next++;
		if (next == FIELD_COUNT)
			next = field_by_name(name);
		if (!take(at, end, &text))
			return false;
		if (next < FIELD_COUNT)
			value[next++] = text;
		else
			next = 0;
	}
	return true;
}

int shared_page_read(const char *text, size_t len, struct wire_reply *ret_reply)
{
	struct wire_reply reply = { .ok = true, .has_context = true };
	const char *at = text, *end = text + len;

	if (!read_fields(&at, end, false, reply.value) ||
	    !read_fields(&at, end, true, reply.opened_with))
		return -EBADMSG;
	*ret_reply = reply;
	return 0;
}
