// SPDX-License-Identifier: MIT
/* Injecting header lines into requests; inject.h has the idea. A request is judged by where it
 * goes: by what libcurl reports in its callback or, where libcurl may report an outdated URL, by
 * what was read when the transfer started. Memory of the client is never read once the client
 * may have freed it. A request whose URL does not fit its connection is left alone. */
#include "preload/inject.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/header.h"
#include "core/log.h"
#include "core/request.h"
#include "core/request_log.h"
#include "core/rule.h"
#include "core/variables.h"
#include "lib/clock.h"
#include "preload/debug.h"
#include "preload/inject_list.h"
#include "preload/legacy.h"

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

/* Without a function libcurl ignores the data, so ours may stay for the next transfer. */
static void set_prereq(struct handle *handle, curl_prereq_callback function, void *data)
{
	handle->library->curl_easy_setopt(handle->easy, CURLOPT_PREREQFUNCTION, function);
	if (function)
		set_prereq_data(handle, data);
}

/* Not between our callback and the request, the only time at which libcurl reads the list. */
static void free_injected(struct handle *handle)
{
	if (!handle->injected)
		return;
	injection_neutralize(handle->injection);
	free(handle->injected);
	handle->injected = NULL;
}

/* Sets the client's list again. Our nodes are unlinked, not emptied: libcurl 7.88 signs an empty
 * node for AWS, and a mail would get an empty line. */
static void take_back(struct handle *handle)
{
	if (!handle->injected)
		return;
	set(handle, CURLOPT_HTTPHEADER, handle->client_list);
	free_injected(handle);
}

/* Compares names only, up to ":" or ";": "Name:" and "Name;" are the client's, too. Of the headers
 * that libcurl makes from other options, Referer is the only one that a rule may set. */
static bool client_sets(void *arg, struct text name)
{
	const struct handle *handle = arg;

	for (const struct curl_slist *node = handle->client_list; node; node = node->next) {
		/* Cheap pre-filter: most lines have another first letter. */
		if (node->data && ascii_lower(node->data[0]) == ascii_lower(name.ptr[0]) &&
		    header_name_eq(header_line_name(text_of(node->data)), name))
			return true;
	}
	return handle->has_referer && header_name_eq(name, TEXT("Referer"));
}

static const void *next_client_header(void *arg, const void *cursor, uint64_t starts,
				      struct text *ret_name, struct text *ret_value)
{
	const struct curl_slist *node = cursor;

	node = node ? node->next : ((const struct handle *)arg)->client_list;
	while (node && !(node->data && header_may_start(starts, node->data)))
		node = node->next;
	if (node)
		header_line_split(text_of(node->data), ret_name, ret_value);
	return node;
}

static struct text client_body(void *arg)
{
	return body_head(arg);
}

/* The request id of the transfer, made for the first of its requests that is tagged. */
static void identify(void *arg, const uint8_t random[UUID7_RANDOM_BYTES],
		     uint8_t ret_request_id[UUID_BYTES])
{
	struct handle *handle = arg;

	if (!handle->transfer.has_request_id)
		uuid7_make(handle->transfer.request_id, clock_unix_ns(), random);
	handle->transfer.has_request_id = true;
	memcpy(ret_request_id, handle->transfer.request_id, sizeof(handle->transfer.request_id));
}

/* Builds the lines for one request and injects them, or takes back what an earlier one had. False
 * when the request must not be sent. */
static bool inject(struct handle *handle, struct tag_request *request)
{
	struct curl_slist *injected = NULL, *before = handle->injected;
	struct tag_lines *lines = NULL;
	enum tag_verdict verdict;

	request->api = &handle->library->url_api;
	request->target = handle->request_target;
	request->body = client_body;
	request->body_arg = &handle->body;
	request->identify = identify;
	request->client_sets = client_sets;
	request->next_header = next_client_header;
	request->arg = handle;
	request->observer = debug_observer();
	verdict = tag_build(request, &lines);
	if (request->observer)
		debug_verdict(request, tag_verdict_reason(verdict));
	if (verdict == TAG_MATCH && lines)
		injected = inject_list_make(lines, handle->client_list);
	if (!injected) {
		take_back(handle);
		free(lines);
		return verdict != TAG_REFUSED;
	}
	injection_fill(handle->injection, injected, handle->client_list);
	handle->injected = injected;
	free(before);
	if (set(handle, CURLOPT_HTTPHEADER, &handle->injection->node) != CURLE_OK) {
		/* A failed setopt may have left either list set. */
		take_back(handle);
	} else if (lines->log_entry && !handle->transfer.logged) {
		log_append(lines->log_entry->path,
			   (struct text){ lines->log_entry->line, lines->log_entry->len });
		handle->transfer.logged = handle->legacy != NULL;
	}
	free(lines);
	return true;
}

/* The request stays as the client made it. */
static bool leave_alone(struct handle *handle, const struct tag_request *request,
			const char *reason)
{
	if (request->url && rule_method_ok(request->method))
		debug_verdict(request, reason);
	take_back(handle);
	return true;
}

/* Whether two URLs lead to the same place: all but query and fragment are equal. */
static bool same_place(const struct url_api *api, const char *text_a, const char *text_b)
{
	struct url a, b;
	bool same;

	if (url_parse(api, text_a, &a))
		return false;
	if (url_parse(api, text_b, &b)) {
		url_release(api, &a);
		return false;
	}
	same = text_eq(a.scheme, b.scheme) && text_eq_nocase(a.host, b.host) && a.port == b.port &&
	       text_eq(a.path, b.path);
	url_release(api, &a);
	url_release(api, &b);
	return same;
}

/* 0: it cannot be read. */
static int url_port(const struct url_api *api, const char *text)
{
	struct url url;
	int port;

	if (url_parse(api, text, &url))
		return 0;
	port = (int)url.port;
	url_release(api, &url);
	return port;
}

/* Whether a round after the first one goes where the URL handle says. Before 7.87 libcurl goes on with the
 * URL that is set beside it. That matters where the two differ, and then the connection's port has to tell. */
static bool goes_by_handle(const struct handle *handle, const char *beside, int peer_port)
{
	const struct url_api *api = &handle->library->url_api;
	const char *by_handle = handle->transfer.url_at_start;

	return same_place(api, by_handle, beside) ||
	       (handle->port <= 0 && url_port(api, by_handle) == peer_port &&
		url_port(api, beside) != peer_port);
}

/* The text is inet_ntop's, so there is one way to write each address. */
static enum tag_peer peer_of(const char *ip)
{
	struct text text = text_of(ip);

	/* For a Unix socket it is empty or a path: the client itself said where the host is. */
	if (!text.len || ip[0] == '/' || text_starts_with(text, TEXT("127.")) ||
	    text_eq(text, TEXT("::1")) || text_starts_with(text, TEXT("::ffff:127.")))
		return TAG_PEER_LOOPBACK;
	return TAG_PEER_ELSEWHERE;
}

/* At most a quarter of the time that the client's own limit leaves. */
static unsigned longest_wait(const struct handle *handle)
{
	curl_off_t spent_us = 0;
	long left_ms = handle->timeout_ms;

	if (left_ms <= 0 || left_ms > 4 * SERVICE_TIMEOUT_MS_MAX)
		return 0;
	if (!handle->legacy)
		handle->library->curl_easy_getinfo(handle->easy, CURLINFO_TOTAL_TIME_T, &spent_us);
	left_ms -= (long)(spent_us / 1000);
	return left_ms >= 8 ? (unsigned)left_ms / 4 : 1;
}

/* The method on the wire. CURLINFO_EFFECTIVE_METHOD is that but for CURLOPT_CUSTOMREQUEST with
 * 8.16's CURLFOLLOW_OBEYCODE (2: dropped once a redirect makes a GET) and CURLFOLLOW_FIRSTONLY (3:
 * for the first request alone), where it still reports the dropped one. To see the method behind
 * it, the custom one is unset while libcurl is asked. */
static char *method_of(struct handle *handle, long response)
{
	char *method = NULL, *custom;

	if (handle->transfer.followed && handle->has_method &&
	    (handle->follow == 3 || (handle->follow == 2 && response >= 301 && response <= 303)))
		handle->transfer.drops_method = true;
	handle->library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_METHOD, &method);
	if (!handle->transfer.drops_method || !handle->has_method || !method)
		return method;
	custom = string_copy(method);
	if (!custom || set(handle, CURLOPT_CUSTOMREQUEST, NULL) != CURLE_OK) {
		free(custom);
		return NULL;
	}
	handle->library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_METHOD, &method);
	set(handle, CURLOPT_CUSTOMREQUEST, custom);
	free(custom);
	return method;
}

/* The port that a request goes to. CURLOPT_PORT replaces the URL's, until a redirect to an absolute
 * URL ends that. Which of the two holds is seen from the port of the connection. False when it is
 * neither, as with a proxy. */
static bool port_of(const struct handle *handle, int peer_port, struct tag_request *request)
{
	if (handle->port <= 0)
		return true;
	request->port = (unsigned)handle->port;
	if (!handle->transfer.followed || peer_port == (int)handle->port)
		return true;
	request->port = 0;
	return url_port(&handle->library->url_api, request->url) == peer_port;
}

/* The request that libcurl is about to send, on a connection to this peer. */
static bool inject_now(struct handle *handle, const char *peer_ip, int peer_port)
{
	CURLcode (*getinfo)(CURL *, CURLINFO, ...) = handle->library->curl_easy_getinfo;
	const struct url_api *api = &handle->library->url_api;
	struct tag_request request = { .method = NULL };
	char *effective = NULL, *before = handle->transfer.url_before;
	bool misplaced = handle->transfer.misplaced, allowed;
	long hops = 0, response = 0;

	/* What the client changed while libcurl connected counts for this request only. */
	handle->transfer.url_before = NULL;
	handle->transfer.misplaced = false;
	if (handle->transfer.by_url_handle || handle->port > 0 || handle->follow > 1) {
		/* Auth rounds are counted, too. */
		getinfo(handle->easy, CURLINFO_REDIRECT_COUNT, &hops);
		getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &response);
		handle->transfer.followed |= hops > 0 && response / 100 == 3;
	}
	request.method = method_of(handle, response);
	if (rule_method_ok(request.method))
		getinfo(handle->easy, CURLINFO_EFFECTIVE_URL, &effective);
	/* A client's URL handle counts in every round until a redirect is followed. */
	request.url = effective;
	if (handle->transfer.url_at_start && !handle->transfer.url_reported &&
	    !handle->transfer.followed)
		request.url = handle->transfer.url_at_start;
	request.peer = peer_of(peer_ip);
	request.max_wait_ms = longest_wait(handle);
	if (!effective)
		allowed = leave_alone(handle, &request, "");
	else if (handle->unified)
		/* The client wants its list in CONNECT requests to proxies, too. Those are built
		 * before our callback runs, so on a later hop they would carry what was
		 * injected. */
		allowed = leave_alone(handle, &request, "the client sets CURLHEADER_UNIFIED");
	else if (handle->transfer.deferred && handle->transfer.by_url_handle &&
		 !handle->transfer.url_reported && !handle->transfer.followed)
		/* What libcurl tells is the URL beside the handle, or of an earlier transfer. */
		allowed = leave_alone(handle, &request, "what its URL handle said is not known");
	else if (hops > 0 && request.url != effective &&
		 !goes_by_handle(handle, effective, peer_port))
		allowed = leave_alone(handle, &request,
				      "it may go to the URL beside its URL handle");
	else if (misplaced ||
		 (before && request.url == effective && !same_place(api, before, effective)))
		allowed = leave_alone(handle, &request,
				      "the client changed its URL during the transfer");
	else if (!port_of(handle, peer_port, &request))
		allowed = leave_alone(handle, &request, "the port that it goes to is unknown");
	else
		allowed = inject(handle, &request);
	free(before);
	return allowed;
}

/* Every libcurl passes its callback the text in the handle itself that CURLINFO_PRIMARY_IP
 * gives, so its address tells the handle from a copy. */
static bool is_of_handle(const struct handle *handle, const char *primary_ip)
{
	char *own_ip = NULL;

	handle->library->curl_easy_getinfo(handle->easy, CURLINFO_PRIMARY_IP, &own_ip);
	return own_ip == primary_ip;
}

/* Called by libcurl right before each request. The data is not the handle's state, but what is
 * never freed: an unseen copy of the handle (inject_list.h) has the same data, and outlives the
 * state. */
static int before_request(void *data, char *primary_ip, char *local_ip, int primary_port,
			  int local_port)
{
	struct injection *injection = data;
	CURL *easy = injection->easy;
	struct handle *handle = easy ? handle_find(easy) : NULL;
	bool allowed;
	int answer, saved;

	/* The client's callback first: what it sets counts for this request. It may also leave by
	 * longjmp, or clean up the handle. */
	if (handle && handle->client_prereq) {
		answer = handle->client_prereq(handle->client_prereq_data, primary_ip, local_ip,
					       primary_port, local_port);
		if (answer != CURL_PREREQFUNC_OK || handle_find(easy) != handle)
			return answer;
	}
	if (!handle || !is_of_handle(handle, primary_ip)) {
		injection_neutralize(injection);
		return CURL_PREREQFUNC_OK;
	}
	saved = errno;
	allowed = inject_now(handle, primary_ip, primary_port);
	errno = saved;
	return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* libcurl before 7.80: one decision for the whole transfer, when it starts, and again when the
 * client changes an option after that. The peer is not known then. */
static bool inject_legacy(struct handle *handle)
{
	struct tag_request request = {
		.url = handle->client_url ? handle->transfer.url_at_start :
					    legacy_url(handle->legacy),
		.method = legacy_method(handle->legacy),
		.port = handle->port > 0 ? (unsigned)handle->port : 0,
		.peer = legacy_may_use_proxy(handle->legacy) ? TAG_PEER_ELSEWHERE :
							       TAG_PEER_BY_STRICT_NAME,
		.max_wait_ms = longest_wait(handle),
	};

	if (!request.url || !rule_method_ok(request.method))
		return leave_alone(handle, &request, "");
	if (handle->unified)
		return leave_alone(handle, &request, "the client sets CURLHEADER_UNIFIED");
	/* It may go on to the URL beside its handle (see goes_by_handle). */
	if (handle->transfer.misplaced || (handle->client_url && handle->transfer.deferred) ||
	    (handle->client_url && legacy_url(handle->legacy) &&
	     !same_place(&handle->library->url_api, legacy_url(handle->legacy), request.url)) ||
	    (handle->transfer.url_before &&
	     !same_place(&handle->library->url_api, handle->transfer.url_before, request.url)))
		return leave_alone(handle, &request, "its URL can still change");
	if (legacy_follows(handle->legacy) && !variable_is_on(VARIABLE_LEGACY_REDIRECTS))
		return leave_alone(handle, &request,
				   "libcurl before 7.80, and redirects may be followed");
	return inject(handle, &request);
}

/* Hooks the requests of a started transfer. False when the decision was made here (libcurl before
 * 7.80) and the request must not be sent. */
static bool resume(struct handle *handle)
{
	if (!handle->injection)
		handle->injection = injection_new(handle->easy);
	if (!handle->injection)
		return true; /* no memory: its requests are left alone */
	if (handle->legacy)
		return inject_legacy(handle);
	set_prereq(handle, before_request, handle->injection);
	return true;
}

static curl_off_t lookup_time(const struct handle *handle)
{
	curl_off_t time_us = 0;

	handle->library->curl_easy_getinfo(handle->easy, CURLINFO_NAMELOOKUP_TIME_T, &time_us);
	return time_us;
}

static void release_transfer(struct transfer *transfer)
{
	free(transfer->url_at_start);
	free(transfer->url_before);
	*transfer = (struct transfer){ .started = false };
}

/* The client's URL handle is read when libcurl reads it: later it may be gone. In a multi that is
 * some time after the start, and the client may edit the handle until then. There only libcurl's
 * own reading counts, which it tells as the effective URL when there was none before. */
static void read_client_url(struct handle *handle)
{
	char *effective = NULL, *text = NULL;

	handle->transfer.by_url_handle = handle->client_url != NULL;
	if (!handle->client_url)
		return;
	handle->library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_URL, &effective);
	handle->transfer.url_reported = !handle->legacy && (!effective || !effective[0]);
	if (handle->transfer.deferred)
		return;
	handle->library->curl_url_get(handle->client_url, CURLUPART_URL, &text, 0);
	if (!text)
		return;
	handle->transfer.url_at_start = string_copy(text);
	handle->transfer.misplaced |= !handle->transfer.url_at_start;
	handle->library->curl_free(text);
}

/* libcurl's URL parser needs 4 KiB of stack, and our callback runs deep inside libcurl. So the
 * first decision for a handle is made here, before libcurl starts, and its result is cached. */
static void warm_up(struct handle *handle)
{
	struct tag_request request = { .api = &handle->library->url_api, .method = "POST" };
	struct tag_match match;
	enum tag_verdict verdict;
	char *url = NULL;

	handle->warmed = true;
	if (!handle->body.data)
		return;
	handle->library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_URL, &url);
	request.url = url;
	verdict = url ? tag_decide(&request, &match) : TAG_BAD_URL;
	if (verdict == TAG_MATCH || verdict == TAG_BAD_CONFIG)
		tag_match_release(&match);
}

bool inject_start(struct handle *handle, enum inject_when when, struct transfer *ret_before)
{
	bool allowed = true;
	int saved = errno;

	*ret_before = handle->transfer;
	handle->transfer = (struct transfer){ .started = ret_before->started };
	take_back(handle);
	if (variable_is_on(VARIABLE_OFF)) {
		inject_end(handle);
	} else {
		handle->transfer.started = true;
		handle->transfer.deferred = when == INJECT_LATER;
		if (when == INJECT_LATER)
			handle->transfer.lookup_time_us = lookup_time(handle);
		read_client_url(handle);
		if (!handle->warmed && !handle->legacy)
			warm_up(handle);
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
	if (handle->transfer.started && !handle->legacy)
		set_prereq(handle, handle->client_prereq, handle->client_prereq_data);
	release_transfer(&handle->transfer);
	errno = saved;
}

void inject_refused(struct handle *handle, struct transfer *before)
{
	if (before->started)
		release_transfer(&handle->transfer);
	else
		inject_end(handle);
	handle->transfer = *before;
}

void inject_accepted(struct transfer *before)
{
	release_transfer(before);
}

void inject_leave(struct handle *handle)
{
	int saved = errno;

	inject_end(handle);
	set_prereq_data(handle, handle->client_prereq_data);
	errno = saved;
}

void inject_reset(struct handle *handle)
{
	int saved = errno;

	handle->client_list = NULL;
	handle->client_prereq = NULL;
	handle->client_prereq_data = handle->prereq_data = NULL;
	handle->client_url = NULL;
	free(handle->request_target);
	handle->request_target = NULL;
	handle->port = handle->follow = handle->timeout_ms = 0;
	handle->has_method = handle->has_referer = handle->unified = false;
	body_clear(&handle->body);
	free_injected(handle);
	if (handle->legacy) {
		legacy_free(handle->legacy);
		handle->legacy = legacy_new();
	}
	/* Some versions allow a reset during a transfer: the rest of it is still tagged. */
	if (handle->transfer.started)
		resume(handle);
	errno = saved;
}

void inject_copy(const struct handle *handle, CURL *copy)
{
	struct handle settings = *handle, *made;
	int saved = errno;

	/* The copy itself first, even if no state can be made for it: it must not point to our
	 * nodes, which are freed with the original. */
	settings.easy = copy;
	if (handle->injected)
		set(&settings, CURLOPT_HTTPHEADER, handle->client_list);
	if (handle->transfer.started && !handle->legacy)
		set_prereq(&settings, handle->client_prereq, handle->client_prereq_data);
	set_prereq_data(&settings, handle->client_prereq_data);
	made = handle_make(copy, handle->library, legacy_copy(handle->legacy));
	if (made) {
		made->client_list = handle->client_list;
		made->client_prereq = handle->client_prereq;
		made->client_prereq_data = made->prereq_data = handle->client_prereq_data;
		made->client_url = handle->client_url;
		if (handle->request_target)
			made->request_target = string_copy(handle->request_target);
		made->port = handle->port;
		made->follow = handle->follow;
		made->timeout_ms = handle->timeout_ms;
		made->has_method = handle->has_method;
		made->has_referer = handle->has_referer;
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
	free_injected(handle);
	handle->client_list = list;
	if (handle->transfer.started && handle->legacy)
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
	if (handle->transfer.started)
		resume(handle);
	else
		set_prereq_data(handle, handle->client_prereq_data);
	return code;
}

/* Whether libcurl may have read the URL of the request that is under way. In a multi it has not
 * before it looks the host up; and that it calls the client back is seen by what it refuses then.
 */
static bool may_be_read(const struct handle *handle)
{
	long timeout_ms;

	if (!handle->transfer.deferred || !handle->multi)
		return true;
	return handle->library->curl_multi_timeout(handle->multi, &timeout_ms) != CURLM_OK ||
	       lookup_time(handle) != handle->transfer.lookup_time_us;
}

/* The client is about to change the URL of a transfer that has started. */
static void before_new_url(struct handle *handle)
{
	const char *old = NULL;

	handle->transfer.url_reported = false;
	if (handle->transfer.url_before || !may_be_read(handle))
		return;
	if (handle->legacy)
		old = legacy_url(handle->legacy);
	else
		handle->library->curl_easy_getinfo(handle->easy, CURLINFO_EFFECTIVE_URL, &old);
	handle->transfer.url_before = old ? string_copy(old) : NULL;
	handle->transfer.misplaced |= !handle->transfer.url_before;
}

static void after_new_url_handle(struct handle *handle, CURLU *url)
{
	handle->client_url = url;
	if (!handle->transfer.started)
		return;
	free(handle->transfer.url_at_start);
	handle->transfer.url_at_start = NULL;
	handle->transfer.misplaced |= may_be_read(handle);
	read_client_url(handle);
}

/* An option of inject_wants that libcurl has taken. */
static void note(struct handle *handle, CURLoption option, void *argument)
{
	long number = (long)(intptr_t)argument;

	switch ((int)option) {
	case CURLOPT_HEADEROPT:
		handle->unified = !(number & CURLHEADER_SEPARATE);
		break;
	case CURLOPT_CURLU:
		after_new_url_handle(handle, argument);
		break;
	case CURLOPT_URL:
		break;
	case CURLOPT_PORT:
		handle->transfer.misplaced |= handle->transfer.started && handle->port != number &&
					      may_be_read(handle);
		handle->port = number;
		break;
	case CURLOPT_REQUEST_TARGET:
		free(handle->request_target);
		handle->request_target = argument ? string_copy(argument) : NULL;
		if (argument && !handle->request_target)
			handle->unified = true; /* no memory: its requests are left alone */
		break;
	case CURLOPT_FOLLOWLOCATION:
		handle->follow = number;
		break;
	case CURLOPT_CUSTOMREQUEST:
		handle->has_method = argument != NULL;
		break;
	case CURLOPT_REFERER:
	case CURLOPT_AUTOREFERER:
		handle->has_referer = argument != NULL;
		break;
	case CURLOPT_TIMEOUT:
		handle->timeout_ms = number < LONG_MAX / 1000 ? number * 1000 : 0;
		break;
	case CURLOPT_TIMEOUT_MS:
		handle->timeout_ms = number;
		break;
	default:
		body_option(&handle->body, option, argument);
	}
}

CURLcode inject_setopt(struct handle *handle, CURLoption option, void *argument)
{
	CURLcode code;
	int saved;

	if (option == CURLOPT_HTTPHEADER)
		return set_header_list(handle, argument);
	if (option == CURLOPT_PREREQFUNCTION || option == CURLOPT_PREREQDATA)
		return set_client_prereq(handle, option, argument);
	if (option == CURLOPT_URL && handle->transfer.started)
		before_new_url(handle);
	code = set(handle, option, argument);
	if (code != CURLE_OK)
		return code;
	saved = errno;
	note(handle, option, argument);
	if (handle->legacy)
		inject_legacy_option(handle, option, argument);
	errno = saved;
	return code;
}

void inject_legacy_option(struct handle *handle, CURLoption option, void *argument)
{
	if (legacy_option(handle->legacy, option, argument) && handle->transfer.started)
		resume(handle);
}
