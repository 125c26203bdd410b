// SPDX-License-Identifier: MIT
/* The list that a request is sent with: our lines, then the client's. Injections of handles that
 * are gone are a queue under a lock; who does not get the lock allocates one, or leaves one
 * behind. */
#include "preload/inject_list.h"

#include <stdlib.h>
#include <string.h>

#include "core/header.h"
#include "lib/forkwipe.h"
#include "lib/lock.h"

/* Whether a line of ours takes the place of this one of the client's. */
static bool is_replaced(const struct tag_lines *lines, const struct curl_slist *node)
{
	struct text name = node->data ? header_line_name(text_of(node->data)) : TEXT("");

	for (size_t i = 0; i < lines->count; i++) {
		if (lines->line[i].replaces && header_name_eq(tag_line_name(lines, i), name))
			return true;
	}
	return false;
}

/* How many nodes of ours stand for the client's list: none where it can be used as it is. */
static size_t nodes_of_client(const struct tag_lines *lines, const struct curl_slist *client_list)
{
	size_t count = 0;

	for (; lines->replaces && client_list; client_list = client_list->next)
		count++;
	return count;
}

struct curl_slist *inject_list_make(const struct tag_lines *lines, struct curl_slist *client_list)
{
	size_t nodes = lines->count + nodes_of_client(lines, client_list);
	struct curl_slist *injected, *node;
	char *text;

	if (!lines->count)
		return NULL;
	injected = node = malloc(nodes * sizeof(injected[0]) + lines->bytes);
	if (!injected)
		return NULL;
	text = memcpy(injected + nodes, lines->text, lines->bytes);
	for (size_t i = 0; i < lines->count; i++, node++) {
		node->data = text + lines->line[i].at;
		node->next = node + 1;
	}
	for (; nodes > lines->count && client_list; client_list = client_list->next) {
		if (is_replaced(lines, client_list))
			continue;
		*node = (struct curl_slist){ client_list->data, node + 1 };
		node++;
	}
	node[-1].next = client_list;
	return injected;
}

static struct {
	struct forkwipe lock;
	struct injection *oldest, *newest;
	size_t count;
} retired;

/* libcurl skips a line without a colon or semicolon. */
static char nothing[1];

static struct injection *reuse(void)
{
	struct lock *lock = forkwipe_get(&retired.lock);
	struct injection *injection = NULL;

	if (__atomic_load_n(&retired.count, __ATOMIC_RELAXED) < INJECTIONS_RETIRED_MAX || !lock ||
	    !lock_take(lock))
		return NULL;
	/* The count may be too large in a child that was forked while another thread was here. */
	if (retired.count >= INJECTIONS_RETIRED_MAX && retired.oldest != retired.newest) {
		injection = retired.oldest;
		retired.oldest = injection->next;
		__atomic_store_n(&retired.count, retired.count - 1, __ATOMIC_RELAXED);
	}
	lock_release(lock);
	return injection;
}

struct injection *injection_new(CURL *easy)
{
	struct injection *injection = reuse();
	bool reused = injection != NULL;

	if (!injection)
		injection = malloc(sizeof(*injection));
	if (injection)
		*injection = (struct injection){
			.node.data = nothing,
			.neutral.data = nothing,
			.easy = easy,
			.reused = reused,
		};
	return injection;
}

void injection_fill(struct injection *injection, const struct curl_slist *injected,
		    const struct curl_slist *client_list)
{
	injection->neutral = (struct curl_slist){ .data = nothing };
	if (client_list && !injection->reused)
		injection->neutral = *client_list;
	injection->node = *injected;
}

void injection_neutralize(struct injection *injection)
{
	injection->node = injection->neutral;
}

void injection_retire(struct injection *injection)
{
	struct lock *lock = forkwipe_get(&retired.lock);

	if (!injection)
		return;
	injection_neutralize(injection);
	injection->easy = NULL;
	injection->next = NULL;
	if (!lock || !lock_take(lock))
		return;
	if (retired.count)
		retired.newest->next = injection;
	else
		retired.oldest = injection;
	retired.newest = injection;
	__atomic_store_n(&retired.count, retired.count + 1, __ATOMIC_RELAXED);
	lock_release(lock);
}
