// SPDX-License-Identifier: MIT
/*
 * A shared page as a client finds it: the first word is its sequence counter, the second its bytes,
 * the rest its text, for whoever has the service's user may write there what they like. What can be
 * read is read the same way again after it was written by the service's own pen.
 */
#include "fuzz.h"

#include <errno.h>

#include "protocol/page.h"

static uint32_t words[SHARED_PAGE_BYTES / 4];

/* What is asked for has the words that it has room for; *ret_text is the caller's to free. */
static int copy(const struct shared_page *page, char **ret_text, size_t *ret_len)
{
	size_t len = 0;
	int result = shared_page_copy(page, words, 0, &len);

	*ret_text = NULL;
	if (result != -ENOBUFS)
		return result;
	CHECK(len <= SHARED_PAGE_TEXT_BYTES);
	*ret_text = malloc((len + 3) / 4 * 4);
	CHECK(*ret_text);
	*ret_len = len;
	return shared_page_copy(page, *ret_text, (len + 3) / 4 * 4, ret_len);
}

/* The text alone, so that the sanitizer sees a byte that is read beyond it. */
static void read_again(const struct wire_reply *reply)
{
	struct shared_page *page = calloc(1, sizeof(*page));
	struct wire_reply again;
	size_t len = 0;
	char *text;

	CHECK(page);
	shared_page_write(page, reply->value, reply->opened_with);
	CHECK(shared_page_used(reply->value, reply->opened_with) <= sizeof(*page));
	CHECK(!copy(page, &text, &len) && !shared_page_read(text, len, &again));
	CHECK(fuzz_same_values(again.value, reply->value));
	CHECK(fuzz_same_values(again.opened_with, reply->opened_with));
	shared_page_retire(page);
	free(text);
	CHECK(copy(page, &text, &len) == -EAGAIN);
	free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shared_page *page = calloc(1, sizeof(*page));
	struct wire_reply reply;
	char *text, *exact;
	size_t len = 0;

	CHECK(page);
	memcpy(page, data, size < sizeof(*page) ? size : sizeof(*page));
	if (!copy(page, &text, &len)) {
		exact = fuzz_copy(text, len);
		if (!shared_page_read(exact, len, &reply))
			read_again(&reply);
		free(exact);
	}
	free(text);
	free(page);
	return 0;
}
