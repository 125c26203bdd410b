// SPDX-License-Identifier: MIT
/* The states of easy handles, and which of them are in which multi. A state is used by the
 * thread that uses the handle, so only the two tables are shared. */
#include "preload/handle.h"

#include <stdlib.h>

#include "preload/legacy.h"

struct table handle_table;
static struct table rings; /* CURLM * to one struct handle of its ring */

static void discard(struct handle *handle)
{
	if (!handle)
		return;
	handle_leave(handle);
	legacy_free(handle->legacy);
	body_clear(&handle->body);
	free(handle->request_target);
	free(handle->transfer.url_at_start);
	free(handle->transfer.url_before);
	injection_retire(handle->injection);
	free(handle->injected);
	free(handle);
}

struct handle *handle_make(CURL *easy, const struct library *library, struct legacy_request *legacy)
{
	/* Not calloc, which in glibc before 2.41 takes the long way round its cache. */
	struct handle *handle = malloc(sizeof(*handle));
	void *old;

	if (!handle) {
		legacy_free(legacy);
		handle_drop(easy);
		return NULL;
	}
	*handle = (struct handle){
		.easy = easy,
		.library = library,
		.pass = legacy ? NULL : library->curl_easy_setopt,
		.legacy = legacy,
	};
	if (!table_put(&handle_table, easy, handle, &old)) {
		discard(handle);
		return NULL;
	}
	/* The address was used before, and its cleanup did not come by here. */
	discard(old);
	return handle;
}

void handle_drop(CURL *easy)
{
	discard(table_take(&handle_table, easy));
}

void handle_join(struct handle *handle, CURLM *multi)
{
	struct handle *first;
	void *old;

	handle_leave(handle);
	first = table_get(&rings, multi);
	if (!first && !table_put(&rings, multi, handle, &old))
		return; /* no memory: the multi's cleanup will not find it, all else is the same */
	handle->multi = multi;
	handle->next = first ? first : handle;
	handle->previous = first ? first->previous : handle;
	handle->next->previous = handle;
	handle->previous->next = handle;
}

static void unlink_from_ring(struct handle *handle)
{
	handle->next->previous = handle->previous;
	handle->previous->next = handle->next;
	handle->multi = NULL;
}

void handle_leave(struct handle *handle)
{
	void *old;

	if (!handle->multi)
		return;
	if (handle->next == handle)
		table_take(&rings, handle->multi);
	else if (table_get(&rings, handle->multi) == handle)
		table_put(&rings, handle->multi, handle->next, &old);
	unlink_from_ring(handle);
}

struct handle *handle_ring_take(CURLM *multi)
{
	return table_take(&rings, multi);
}

void handle_ring_put(CURLM *multi, struct handle *first)
{
	void *old;

	if (first)
		table_put(&rings, multi, first, &old);
}

struct handle *handle_ring_pop(struct handle **first)
{
	struct handle *handle = *first;

	if (!handle)
		return NULL;
	*first = handle->next == handle ? NULL : handle->next;
	unlink_from_ring(handle);
	return handle;
}
