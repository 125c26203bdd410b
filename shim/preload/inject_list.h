/* SPDX-License-Identifier: MIT */
/* Our lines as nodes of a list of libcurl's. */
#ifndef TAGALONG_PRELOAD_INJECT_LIST_H
#define TAGALONG_PRELOAD_INJECT_LIST_H

#include "preload/curl_api.h"
#include "core/request.h"

/* The lines of one request, as list nodes in one piece of memory. The last one's next is the
 * client's own list; or, where headers of the client's are replaced, nodes of ours follow with the
 * text of those that stay. To be freed with free(); NULL without lines or memory. */
struct curl_slist *inject_list_make(const struct tag_lines *lines, struct curl_slist *client_list);

#endif
