/* SPDX-License-Identifier: MIT */
/* Our lines as nodes of a list of libcurl's, and what a handle points to of ours.
 *
 * A handle can be copied in flight by a call that we do not see. The copy shares the header list
 * and the callback data, may outlive the handle, and nobody tells us when it ends. So both point
 * to a struct injection, which is never freed; the rest of a list is. Its first node is the head
 * of the list: filled for one request of its handle, and equal to the client's own first node at
 * any other time. Our callback runs before a copy's request, too, and makes it so. A copy thus
 * sends what the client has set, without our lines. Injections of handles that are gone are
 * given to later handles, the oldest first, once there are INJECTIONS_RETIRED_MAX of them:
 * memory grows with the handles that live at once, not with their number. A reused one is an
 * empty line for all copies, because those of the earlier handle must not send the later one's
 * headers. */
#pragma once

#include "preload/curl_api.h"
#include "core/request.h"

/* 32 KiB. A copy is used long before so many handles have ended. */
#define INJECTIONS_RETIRED_MAX 512

struct injection {
	struct curl_slist node; /* what CURLOPT_HTTPHEADER points to */
	/* the client's first node; one that sends nothing if it has none */
	struct curl_slist neutral;
	CURL *easy; /* NULL: the handle is gone */
	struct injection *next; /* of those whose handle is gone */
	bool reused; /* there may be copies of an earlier handle */
};

/* NULL without memory. Thread-safe, as injection_retire. */
struct injection *injection_new(CURL *easy);
/* The handle's list is now that of inject_list_make, whose first node is copied. */
void injection_fill(struct injection *injection, const struct curl_slist *injected,
		    const struct curl_slist *client_list);
/* Whoever has the list reads the client's own. To be called before the list is freed. */
void injection_neutralize(struct injection *injection);
/* The handle is gone. NULL is none. */
void injection_retire(struct injection *injection);

/* The lines of one request, as list nodes in one piece of memory. The last one's next is the
 * client's own list; or, where headers of the client's are replaced, nodes of ours follow with the
 * text of those that stay. To be freed with free(); NULL without lines or memory. */
struct curl_slist *inject_list_make(const struct tag_lines *lines, struct curl_slist *client_list);
