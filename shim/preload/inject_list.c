// SPDX-License-Identifier: MIT
/* The list that a request is sent with: our lines, then the client's. */
#include "preload/inject_list.h"

#include <stdlib.h>
#include <string.h>

#include "core/header.h"

/* Whether a line of ours takes the place of this one of the client's. */
static bool is_replaced(const struct tag_lines *lines, const struct curl_slist *node)
{
	struct text name = node->data ? header_line_name(text_of(node->data)) : TEXT("");

	for (size_t i = 0; i < lines->count; i++) {
		if (lines->line[i].replaces && header_name_eq(lines->line[i].name, name))
			return true;
	}
	return false;
}

/* How many nodes of ours stand for the client's list: none where it can be used as it is. */
static size_t nodes_of_client(const struct tag_lines *lines, const struct curl_slist *client_list)
{
	bool replaces = false;
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++)
		replaces |= lines->line[i].replaces;
	for (; replaces && client_list; client_list = client_list->next)
		count++;
	return count;
}

struct curl_slist *inject_list_make(const struct tag_lines *lines, struct curl_slist *client_list)
{
	size_t nodes = lines->count + nodes_of_client(lines, client_list), bytes = 0, used = 0;
	struct curl_slist *injected;
	char *text;

	if (!lines->count)
		return NULL;
	for (size_t i = 0; i < lines->count; i++)
		bytes += lines->line[i].line.len + 1;
	injected = malloc(nodes * sizeof(injected[0]) + bytes);
	if (!injected)
		return NULL;
	text = (char *)(injected + nodes);
	for (; used < lines->count; used++) {
		struct text line = lines->line[used].line;

		memcpy(text, line.ptr, line.len + 1);
		injected[used].data = text;
		text += line.len + 1;
	}
	for (; nodes > lines->count && client_list; client_list = client_list->next) {
		if (!is_replaced(lines, client_list))
			injected[used++].data = client_list->data;
	}
	for (size_t i = 0; i < used; i++)
		injected[i].next = i + 1 < used ? &injected[i + 1] : client_list;
	return injected;
}
