/* SPDX-License-Identifier: MIT */
/* What the shim knows of one easy handle: what its client has set, and what is injected now. */
#pragma once

#include <stdbool.h>

#include "lib/uuid.h"
#include "preload/body.h"
#include "preload/curl_api.h"
#include "preload/inject_list.h"
#include "preload/libcurl.h"
#include "preload/table.h"

/* The running transfer. When the client leaves it by longjmp, this stays as it is until the next
 * start, reset or cleanup, each of which cleans it up first. */
struct transfer {
	bool started; /* our callback is in place */
	bool deferred; /* by curl_multi_add_handle: libcurl reads the URL some time later */
	bool followed; /* a request was a redirect hop */
	bool drops_method; /* libcurl 8.16: CURLOPT_CUSTOMREQUEST has no effect any more */
	bool misplaced; /* the client changed the URL in a way that cannot be followed */
	bool logged; /* before 7.80 */
	bool url_reported; /* libcurl's effective URL is the text of the client's URL handle */
	bool has_request_id;
	uint8_t request_id[UUID_BYTES];
	bool by_url_handle; /* the client has set CURLOPT_CURLU */
	char *url_at_start; /* its text when curl_easy_perform read it */
	char *url_before; /* the URL before the client changed it during the transfer */
	curl_off_t lookup_time_us; /* CURLINFO_NAMELOOKUP_TIME_T at the start */
};

/* Only handles that were made through our curl_easy_init or curl_easy_duphandle have a state: of
 * others the client's header list is unknown. */
struct handle {
	CURL *easy;
	const struct library *library;
	/* Its library's curl_easy_setopt, which takes an option that nobody looks at; NULL when
	 * every option has to be looked at. */
	CURLcode (*pass)(CURL *, CURLoption, ...);

	/* As the client has set it. The list is the client's: never changed, never freed, read
	 * only while a request is built. */
	struct curl_slist *client_list;
	curl_prereq_callback client_prereq;
	void *client_prereq_data;
	CURLU *client_url; /* CURLOPT_CURLU: the client may free it once a transfer has begun */
	char *request_target; /* CURLOPT_REQUEST_TARGET, a copy */
	struct body body;
	long port; /* CURLOPT_PORT; 0: the URL's own */
	long follow; /* CURLOPT_FOLLOWLOCATION */
	long timeout_ms; /* CURLOPT_TIMEOUT or _TIMEOUT_MS; 0: none */
	bool has_method; /* CURLOPT_CUSTOMREQUEST is set */
	bool has_referer; /* CURLOPT_REFERER or _AUTOREFERER is set */
	bool unified; /* CURLOPT_HEADEROPT is CURLHEADER_UNIFIED */
	bool warmed; /* a first decision was made when a transfer started */

	struct transfer transfer;
	void *prereq_data; /* CURLOPT_PREREQDATA, as it is set now */
	struct injection *injection; /* NULL before the first transfer */
	struct curl_slist *injected; /* NULL, or the handle's list is ours */

	struct legacy_request *legacy; /* libcurl before 7.80 only */

	/* The ring of our handles in the same multi; multi is NULL outside of one. */
	CURLM *multi;
	struct handle *next, *previous;
};

extern struct table handle_table; /* CURL * to struct handle */

/* Fast lookup of the home slot only; NULL does not prove absence. */
static inline const struct handle *handle_peek(CURL *easy)
{
	return table_peek(&handle_table, easy);
}

/* The state, or NULL for a foreign handle. */
static inline struct handle *handle_find(CURL *easy)
{
	struct handle *handle = table_peek(&handle_table, easy);

	return handle ? handle : table_get(&handle_table, easy);
}

/* A new state, in place of one that an earlier handle at that address left; NULL without memory:
 * then the handle is foreign. `legacy`, which may be NULL, becomes the state's. */
struct handle *handle_make(CURL *easy, const struct library *library,
			   struct legacy_request *legacy);
/* Frees the handle's state. Does not touch the handle. */
void handle_drop(CURL *easy);

/* Enters the handle into the multi's ring, leaving the one that it was in. */
void handle_join(struct handle *handle, CURLM *multi);
void handle_leave(struct handle *handle);
/* Takes the ring away from the multi: some handle of it, or NULL. */
struct handle *handle_ring_take(CURLM *multi);
/* Gives it back. */
void handle_ring_put(CURLM *multi, struct handle *first);
/* Takes one handle out of a ring that was taken; NULL when it is empty. */
struct handle *handle_ring_pop(struct handle **first);
