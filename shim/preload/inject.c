// SPDX-License-Identifier: MIT
/* Lending header lines to requests. See lend.h for the idea. */
#include "preload/inject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "core/log.h"
#include "lib/random.h"
#include "core/variables.h"
#include "core/rule.h"
#include "core/header.h"
#include "preload/debug.h"
#include "preload/inject_list.h"
#include "preload/legacy.h"
#include "core/request_log.h"
#include "core/request.h"

static CURLcode set(const struct handle *handle, CURLoption option, const void *argument)
{
	return handle->library->curl_easy_setopt(handle->easy, option, argument);
}

static void set_prereq_data(struct handle *handle, void *data)
{
	if (handle->prereq_data != data)
		set(handle, CURLOPT_PREREQDATA, data);
	handle->prereq_data = data;
}

/* Nobody reads the data where there is no function: then ours may stay, for the next transfer. */
static void set_prereq(struct handle *handle, curl_prereq_callback function, void *data)
{
	handle->library->curl_easy_setopt(handle->easy, CURLOPT_PREREQFUNCTION, function);
	if (function)
		set_prereq_data(handle, data);
}

/* Unlinked, never blanked: an empty node would spoil AWS signatures and mails (pitfall 55). Safe at
 * any time but between our callback and the request: libcurl reads the list only there. */
static void take_back(struct handle *handle)
{
	if (!handle->injected)
		return;
	set(handle, CURLOPT_HTTPHEADER, handle->client_list);
	free(handle->injected);
	handle->injected = NULL;
}

/* Compares names only, up to ":" or ";": "Name:" and "Name;" are the client's, too (pitfalls 5,
 * 6). */
static bool client_sets(void *arg, struct text name)
{
	const struct handle *handle = arg;

	for (const struct curl_slist *node = handle->client_list; node; node = node->next) {
		/* Most lines are out by their first letter. */
		if (node->data && ascii_lower(node->data[0]) == ascii_lower(name.ptr[0]) &&
		    text_eq_nocase(header_line_name(text_of(node->data)), name))
			return true;
	}
	return false;
}

static struct text client_body(void *arg)
{
	return body_head(arg);
}

/* The transfer's: made for the first of its requests that is tagged. */
static bool identify(void *arg, uint8_t ret_request_id[UUID_BYTES])
{
	struct handle *handle = arg;
	uint8_t random[10];

	if (!handle->has_request_id) {
		if (random_fill(random, sizeof(random)))
			return false;
		uuid7_make(handle->request_id, clock_unix_ms(), random);
		handle->has_request_id = true;
	}
	memcpy(ret_request_id, handle->request_id, sizeof(handle->request_id));
	return true;
}

/* *ret_injected is NULL where nothing is to be injected. False when the request must not be sent. */
static bool injected_for(struct handle *handle, const char *url, const char *method,
		     struct curl_slist **ret_injected)
{
	struct tag_request request = {
		.api = &handle->library->url_api,
		.url = url,
		.method = method,
		.body = client_body,
		.body_arg = &handle->body,
		.identify = identify,
		.client_sets = client_sets,
		.arg = handle,
		.observer = debug_observer(),
	};
	struct tag_lines *lines = NULL;
	enum tag_verdict verdict;

	*ret_injected = NULL;
	verdict = tag_build(&request, &lines);
	if (request.observer)
		debug_verdict(method, url, tag_verdict_reason(verdict));
	if (verdict == TAG_MATCH && lines)
		*ret_injected = inject_list_make(lines, handle->client_list);
	if (*ret_injected && lines->record)
		log_append(lines->record->path,
			   (struct text){ lines->record->line, lines->record->len });
	free(lines);
	return verdict != TAG_REFUSED;
}

/* Builds the lines for one request and lends them, or takes back what an earlier one had. False
 * when the request must not be sent. */
static bool lend(struct handle *handle, const char *url, const char *method)
{
	struct curl_slist *injected = NULL;
	bool allowed = true;

	if (!url || !rule_method_ok(method)) {
		take_back(handle);
		return true;
	}
	/* The client wants its list in CONNECT requests to proxies, too. Those are built before
	 * our callback runs, so on a later hop they would carry what was injected (pitfalls 44, 62). */
	if (handle->unified)
		debug_verdict(method, url, "the client sets CURLHEADER_UNIFIED");
	else
		allowed = injected_for(handle, url, method, &injected);
	if (!injected) {
		take_back(handle);
		return allowed;
	}
	if (set(handle, CURLOPT_HTTPHEADER, injected) != CURLE_OK) {
		/* What a refusal leaves set is not known: the client's list is right. */
		set(handle, CURLOPT_HTTPHEADER, handle->client_list);
		free(injected);
		injected = NULL;
	}
	free(handle->injected);
	handle->injected = injected;
	return true;
}

/* The text of the client's URL handle, to be freed with curl_free; NULL when it has none. */
static char *url_of_handle(const struct handle *handle)
{
	char *text = NULL;

	if (handle->client_url)
		handle->library->curl_url_get(handle->client_url, CURLUPART_URL, &text, 0);
	return text;
}

/*
 * The request that libcurl is about to send. CURLINFO_EFFECTIVE_URL is right but for clients that
 * use CURLOPT_CURLU: then the first request goes where that handle says, while the effective URL
 * can still be an older one (pitfall 38). A redirect, or an auth round, goes to the effective one.
 */
static bool inject_now(struct handle *handle)
{
	const struct library *library = handle->library;
	char *url = NULL, *method = NULL, *text = NULL;
	long redirects = 0;
	bool allowed;

	library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_METHOD, &method);
	if (rule_method_ok(method))
		library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (url && handle->client_url)
		library->curl_easy_getinfo(handle->easy, CURLINFO_REDIRECT_COUNT, &redirects);
	if (url && handle->client_url && !redirects)
		url = text = url_of_handle(handle);
	allowed = lend(handle, url, method);
	if (text)
		library->curl_free(text);
	return allowed;
}

/*
 * Called by libcurl right before each request. The data is the easy handle, not our record: a copy
 * that libcurl made behind our back has the same data, and outlives the record.
 */
static int before_request(void *data, char *primary_ip, char *local_ip, int primary_port,
			  int local_port)
{
	struct handle *handle = handle_find(data);
	int saved = errno, answer;

	/* The client's first: what it sets there counts for this request. It may also leave by
	 * longjmp, or end the handle. */
	if (handle && handle->client_prereq) {
		answer = handle->client_prereq(handle->client_prereq_data, primary_ip, local_ip,
					       primary_port, local_port);
		if (answer != CURL_PREREQFUNC_OK || handle_find(data) != handle)
			return answer;
		saved = errno;
	}
	answer = handle && !inject_now(handle) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
	errno = saved;
	return answer;
}

/* libcurl before 7.80: one decision for the whole transfer, when it starts. */
static bool inject_legacy(struct handle *handle)
{
	bool allowed;
	const char *method, *url;
	char *text = url_of_handle(handle);

	url = handle->client_url ? text : legacy_url(handle->legacy);
	method = legacy_method(handle->legacy);
	if (url && method && legacy_follows(handle->legacy) &&
	    !variable_is_on(VARIABLE_LEGACY_REDIRECTS)) {
		debug_verdict(method, url, "libcurl before 7.80, and redirects may be followed");
		method = NULL;
	}
	allowed = lend(handle, url, method);
	handle->library->curl_free(text);
	return allowed;
}

/* What makes the requests of a started transfer ours. False when it must not be sent, as far as
 * that is known now. */
static bool resume(struct handle *handle)
{
	if (handle->legacy)
		return inject_legacy(handle);
	set_prereq(handle, before_request, handle->easy);
	return true;
}

bool inject_start(struct handle *handle, struct inject_before *ret_before)
{
	int saved = errno;
	bool allowed = true;

	ret_before->started = handle->started;
	ret_before->has_request_id = handle->has_request_id;
	memcpy(ret_before->request_id, handle->request_id, sizeof(handle->request_id));
	take_back(handle);
	handle->has_request_id = false;
	if (!handle->library->whole || variable_is_on(VARIABLE_OFF)) {
		inject_end(handle);
	} else {
		handle->started = true;
		allowed = resume(handle);
	}
	if (!allowed)
		inject_end(handle);
	errno = saved;
	return allowed;
}

void inject_end(struct handle *handle)
{
	int saved = errno;

	take_back(handle);
	if (handle->started && !handle->legacy)
		set_prereq(handle, handle->client_prereq, handle->client_prereq_data);
	handle->started = false;
	errno = saved;
}

void inject_leave(struct handle *handle)
{
	int saved = errno;

	inject_end(handle);
	set_prereq_data(handle, handle->client_prereq_data);
	errno = saved;
}

void inject_refused(struct handle *handle, const struct inject_before *before)
{
	if (!before->started)
		inject_end(handle);
	handle->has_request_id = before->has_request_id;
	memcpy(handle->request_id, before->request_id, sizeof(handle->request_id));
}

void inject_reset(struct handle *handle)
{
	int saved = errno;

	handle->client_list = NULL;
	handle->client_prereq = NULL;
	handle->client_prereq_data = handle->prereq_data = NULL;
	handle->client_url = NULL;
	handle->unified = false;
	body_forget(&handle->body);
	free(handle->injected);
	handle->injected = NULL;
	if (handle->legacy) {
		legacy_free(handle->legacy);
		handle->legacy = legacy_new();
	}
	/* In the middle of a transfer, which some versions allow: the rest of it is still ours. */
	if (handle->started)
		resume(handle);
	errno = saved;
}

void inject_copy(const struct handle *handle, CURL *copy)
{
	struct handle settings = *handle, *made;
	int saved = errno;

	/* First the copy itself, whether or not it gets a record: it must not keep a pointer to
	 * our lines, which end with the handle (pitfall 61). */
	settings.easy = copy;
	if (handle->injected)
		set(&settings, CURLOPT_HTTPHEADER, handle->client_list);
	if (handle->started && !handle->legacy)
		set_prereq(&settings, handle->client_prereq, handle->client_prereq_data);
	set_prereq_data(&settings, handle->client_prereq_data);
	made = handle_make(copy, handle->library, legacy_copy(handle->legacy));
	if (made) {
		made->client_list = handle->client_list;
		made->client_prereq = handle->client_prereq;
		made->client_prereq_data = made->prereq_data = handle->client_prereq_data;
		made->client_url = handle->client_url;
		made->unified = handle->unified;
		body_copy(&handle->body, &made->body);
	}
	errno = saved;
}

static CURLcode set_header_list(struct handle *handle, struct curl_slist *list)
{
	CURLcode code = set(handle, CURLOPT_HTTPHEADER, list);

	if (code != CURLE_OK)
		return code;
	/* Ours are not set any more; the next request of this transfer gets them again. */
	free(handle->injected);
	handle->injected = NULL;
	handle->client_list = list;
	if (handle->started && handle->legacy)
		resume(handle);
	return code;
}

/* Through libcurl for its answer, and away again while ours has to be there. */
static CURLcode set_client_prereq(struct handle *handle, CURLoption option, void *argument)
{
	CURLcode code = set(handle, option, argument);

	if (code != CURLE_OK)
		return code;
	if (option == CURLOPT_PREREQFUNCTION)
		handle->client_prereq = (curl_prereq_callback)argument;
	else
		handle->client_prereq_data = handle->prereq_data = argument;
	if (handle->started)
		resume(handle);
	else
		set_prereq_data(handle, handle->client_prereq_data);
	return code;
}

CURLcode inject_setopt(struct handle *handle, CURLoption option, void *argument)
{
	CURLcode code;

	if (option == CURLOPT_HTTPHEADER)
		return set_header_list(handle, argument);
	if (option == CURLOPT_PREREQFUNCTION || option == CURLOPT_PREREQDATA)
		return set_client_prereq(handle, option, argument);
	code = set(handle, option, argument);
	if (code != CURLE_OK)
		return code;
	if (handle->legacy)
		legacy_option(handle->legacy, option, argument);
	if (body_wants(option))
		body_option(&handle->body, option, argument);
	else if (option == CURLOPT_CURLU)
		handle->client_url = argument;
	else
		handle->unified = !((long)(intptr_t)argument & CURLHEADER_SEPARATE);
	return code;
}
