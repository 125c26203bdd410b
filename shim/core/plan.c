// SPDX-License-Identifier: MIT
/* One plan for the process, in memory that a forked child finds empty. What it rests on is compared
 * in full: the URL by its text, or by a keyed hash where it may hold a secret; the client's headers
 * that bear on ours by such a hash; the configuration and the service's page by the number of the
 * one that was read; the variables and the project by their texts. What is not followed here
 * ({body:...}, {env:NAME}, a log, debug lines) leaves no plan. Nobody waits for the lock, and nothing
 * foreign runs under it: no malloc, no callback of a host's. */
#include "core/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "core/header.h"
#include "core/project.h"
#include "core/trace.h"
#include "core/variables.h"
#include "lib/forkwipe.h"
#include "lib/limits.h"
#include "lib/lock.h"
#include "lib/random.h"
#include "lib/siphash.h"
#include "protocol/protocol_limits.h"
#include "protocol/socket_path.h"

/* A usual request has 300 bytes of lines and two gaps. */
#define LINES_BYTES 1152
#define GAPS_MAX 8
#define URL_BYTES 256
#define ENVIRONMENT_BYTES 1280
#define CONVERSATION_BYTES 256 /* one more than a body signal may have */
#define SPAN_TEXT_BYTES 16

/* How the names of variables that count start: a bit for each first letter (NUL has none), and one for
 * each pair of letters. */
struct starts {
	uint64_t letters, pairs;
};

struct gap {
	uint16_t at;
	uint16_t len; /* UUID_TEXT_BYTES: the request id; SPAN_TEXT_BYTES: the span's */
};

struct plan {
	struct lock lock;
	/* These are read without the lock, too: most requests are found to be others by them. */
	uint32_t url_mark; /* 0: there is no plan */
	uint32_t lines_bytes;
	bool wanted; /* there was a request that it could have been made of */
	bool asks_project, reads_body;

	/* What it rests on. */
	const struct url_api *api;
	unsigned url_generation, port, config_serial;
	enum tag_peer peer;
	uint8_t key[SIPHASH_KEY_BYTES];
	uint8_t url_hash[SIPHASH_BYTES], client_hash[SIPHASH_BYTES];
	struct client_mark service;
	size_t url_len, project_len, place_len, conversation_len;
	char conversation[CONVERSATION_BYTES]; /* by the body */
	char place[WIRE_NAME_BYTES_MAX]; /* of the conversation */
	char project[PROJECT_ID_BYTES_MAX + 1];
	struct socket_absence absence; /* where there was no service */
	char url[URL_BYTES]; /* empty: the hash counts */
	struct starts starts;
	size_t environment_len;
	char environment[ENVIRONMENT_BYTES];

	/* What it comes to, to be copied in one piece. The names that the client is asked for are those of
	 * its headers that count. */
	size_t gaps_count;
	struct gap gaps[GAPS_MAX];
	struct tag_lines made;
	char text[LINES_BYTES];
};

_Static_assert(sizeof(struct plan) <= FORKWIPE_BYTES, "it fits");
_Static_assert(offsetof(struct plan, text) ==
		       offsetof(struct plan, made) + sizeof(struct tag_lines),
	       "one piece");

static struct forkwipe plan_page;

/* A number of the URL, which tells nothing of what is in it. Never 0. */
static inline uint32_t mark_of(struct text url)
{
	uint64_t end = 0;

	if (url.len >= sizeof(end))
		memcpy(&end, url.ptr + url.len - sizeof(end), sizeof(end));
	return (uint32_t)((end + url.len) * UINT64_C(0x9E3779B97F4A7C15) >> 44) << 1 | 1;
}

static bool may_hold_secret(const char *url)
{
	return url[strcspn(url, "?@")] != '\0';
}

static void hash_url(const struct plan *plan, struct text url, uint8_t ret_hash[SIPHASH_BYTES])
{
	struct siphash hash;

	siphash_init(&hash, plan->key);
	siphash_add(&hash, url);
	siphash_end(&hash, ret_hash);
}

/* All zero where the client has no such header. */
static void hash_client(const struct plan *plan, const struct tag_request *request,
			uint8_t ret_hash[SIPHASH_BYTES])
{
	struct siphash hash;
	struct text name, value;
	const void *cursor = NULL;
	bool any = false;

	memset(ret_hash, 0, SIPHASH_BYTES);
	while (request->next_header &&
	       (cursor = request->next_header(request->arg, cursor, plan->made.asked.starts, &name,
					      &value))) {
		size_t lengths[2] = { name.len, value.len };

		if (!(plan->made.asked.names & header_name_bit(name)))
			continue;
		if (!any)
			siphash_init(&hash, plan->key);
		any = true;
		siphash_add(&hash, (struct text){ (const char *)lengths, sizeof(lengths) });
		siphash_add(&hash, name);
		siphash_add(&hash, value);
	}
	if (any)
		siphash_end(&hash, ret_hash);
}

#define LETTER_BIT(a) ((uint64_t)1 << ((a)&63))
#define PAIR_BIT(a, b) ((uint64_t)1 << (((unsigned char)(a)*5 + (unsigned char)(b)) & 63))

static void add_start(struct starts *starts, const char *name)
{
	starts->letters |= LETTER_BIT(name[0]);
	starts->pairs |= PAIR_BIT(name[0], name[1] ? name[1] : '=');
}

static struct starts starts_of(const struct config *config)
{
#define VARIABLE_LETTER(constant, name, ...) | LETTER_BIT((#name)[0])
#define VARIABLE_PAIR(constant, name, ...) | PAIR_BIT((#name)[0], (#name)[1])
#define FIELD_LETTER(constant, name, variable, ...) | LETTER_BIT((#variable)[0])
#define FIELD_PAIR(constant, name, variable, ...) | PAIR_BIT((#variable)[0], (#variable)[1])
#define ADOPTED_LETTER(field, variable, ...) | LETTER_BIT((#variable)[0])
#define ADOPTED_PAIR(field, variable, ...) | PAIR_BIT((#variable)[0], (#variable)[1])
	struct starts starts = {
		0 VARIABLES(VARIABLE_LETTER) FIELDS(FIELD_LETTER) ADOPTED(ADOPTED_LETTER),
		0 VARIABLES(VARIABLE_PAIR) FIELDS(FIELD_PAIR) ADOPTED(ADOPTED_PAIR),
	};

	add_start(&starts, "XDG_CONFIG_HOME"); /* and XDG_RUNTIME_DIR */
	add_start(&starts, "HOME");
	for (size_t i = 0; config && i < config->adopted_count; i++)
		add_start(&starts, config->adopted[i].variable);
	return starts;
}

static inline bool counts(struct starts starts, const char *variable)
{
	return starts.letters & LETTER_BIT(variable[0]) &&
	       starts.pairs & PAIR_BIT(variable[0], variable[1]);
}

/* The hash of them, and where it is wanted a copy, one after the other, each with its NUL; 0 where
 * they are too many. The hash is of the copy, as another thread may change them meanwhile. */
static uint64_t read_environment(struct starts starts, char *copy, size_t *ret_len)
{
	uint64_t hash = 1;
	size_t len = 0;

	for (char **variable = environ; variable && *variable; variable++) {
		struct text text;

		if (!counts(starts, *variable))
			continue;
		text = (struct text){ *variable, strlen(*variable) + 1 };
		if (text.len > ENVIRONMENT_BYTES - len)
			return 0;
		if (copy) {
			text.ptr = memcpy(copy + len, text.ptr, text.len);
			copy[len + text.len - 1] = '\0';
		}
		hash = hash_fast(hash, text);
		len += text.len;
	}
	*ret_len = len;
	return hash;
}

uint64_t plan_environment(const struct config *config)
{
	const struct plan *plan = forkwipe_get(&plan_page);
	size_t len;

	if (!plan || !__atomic_load_n(&plan->wanted, __ATOMIC_RELAXED) || getauxval(AT_SECURE))
		return 0;
	return read_environment(starts_of(config), NULL, &len);
}

/* Whether the variables that count are those, in the same order: of two of one name, the first
 * counts. Apart, so that the loop has registers of its own. */
static __attribute__((noinline)) bool environment_is(const struct plan *plan)
{
	const char *at = plan->environment, *end = at + plan->environment_len;
	const struct starts starts = plan->starts;

	for (char **variable = environ; variable && *variable; variable++) {
		if (!counts(starts, *variable))
			continue;
		if (at == end || strcmp(*variable, at) != 0)
			return false;
		at += strlen(at) + 1;
	}
	return at == end;
}

/* Notes where the text stands in the lines. False when that is too often. */
static bool find_gaps(struct plan *plan, struct text lines, struct text wanted)
{
	struct text rest = lines;
	ptrdiff_t at;

	while (wanted.len && (at = text_find(rest, wanted.ptr[0])) >= 0) {
		rest = text_from(rest, (size_t)at);
		if (text_starts_with(rest, wanted)) {
			if (plan->gaps_count == GAPS_MAX)
				return false;
			plan->gaps[plan->gaps_count++] = (struct gap){
				(uint16_t)(rest.ptr - lines.ptr), (uint16_t)wanted.len
			};
		}
		rest = text_from(rest, 1);
	}
	return true;
}

/* Copies the lines; what is new in each request is found by its text, which is random. */
static bool put_lines(struct plan *plan, const struct values *values, const struct tag_lines *lines)
{
	struct text text = { plan->text, lines->bytes }, span = { NULL, 0 };

	if (lines->bytes > sizeof(plan->text))
		return false;
	memcpy(plan->text, lines->text, lines->bytes);
	__atomic_store_n(&plan->lines_bytes, (uint32_t)lines->bytes, __ATOMIC_RELAXED);
	plan->gaps_count = 0;
	if (values->traceparent.len == TRACEPARENT_BYTES)
		span = (struct text){ values->traceparent.ptr + 36, SPAN_TEXT_BYTES };
	return find_gaps(plan, text, text_of(values->request_id)) && find_gaps(plan, text, span);
}

/* What the id of the conversation rests on, where it was made of the body. */
static bool put_conversation(struct plan *plan, const struct values *values)
{
	struct text id = values->context.value[FIELD_CONVERSATION_ID], place;
	const char *detail;

	__atomic_store_n(&plan->reads_body, values->read_body, __ATOMIC_RELAXED);
	if (!values->read_body)
		return true;
	place = values_place(&detail);
	if (id.len >= sizeof(plan->conversation) || place.len > sizeof(plan->place))
		return false;
	memcpy(plan->conversation, id.ptr, id.len);
	plan->conversation_len = id.len;
	if (place.len)
		memcpy(plan->place, place.ptr, place.len);
	plan->place_len = place.len;
	return true;
}

static bool put(struct plan *plan, const struct tag_request *request, const struct values *values,
		const struct tag_lines *lines)
{
	struct text url = text_of(request->url);
	struct text project = values->context.value[FIELD_PROJECT_ID];
	const struct header_filter signals = header_signals_filter();
	struct buf path;

	if (random_fill(plan->key, sizeof(plan->key)))
		return false;
	plan->api = request->api;
	plan->port = request->port;
	plan->peer = request->peer;
	plan->url[0] = '\0';
	plan->url_len = url.len;
	if (may_hold_secret(request->url) || url.len >= sizeof(plan->url))
		hash_url(plan, url, plan->url_hash);
	else
		memcpy(plan->url, url.ptr, url.len + 1);
	plan->made = *lines;
	if (values->signals_ready) {
		plan->made.asked.names |= signals.names;
		plan->made.asked.starts |= signals.starts;
	}
	hash_client(plan, request, plan->client_hash);
	__atomic_store_n(&plan->asks_project, values->asked_project, __ATOMIC_RELAXED);
	plan->project_len = values->asked_project ? project.len : 0;
	memcpy(plan->project, values->project_id, plan->project_len);
	plan->service = (struct client_mark){ 0 };
	if (values->answer)
		plan->service = values->answer->mark;
	plan->absence.inode = 0;
	plan->absence.looks = 0;
	buf_init(&path, plan->absence.path, sizeof(plan->absence.path));
	return !socket_path(&path) && put_conversation(plan, values) &&
	       put_lines(plan, values, lines);
}

/* Whether everything that the request rests on can be followed. */
static bool is_plannable(const struct tag_request *request, const struct values *values,
			 const struct tag_lines *lines)
{
	bool answered = values->answer && values->answer->mark.kept;

	return lines->count && !lines->log_entry && !request->observer && !request->target &&
	       request->identify && !request->client_sets == !request->next_header &&
	       !(lines->asked.names & header_name_bit(TEXT("Referer"))) && !values->unplanned &&
	       (answered || values->service == -ENOENT);
}

void plan_make(const struct tag_request *request, const struct config_snapshot *snapshot,
	       uint64_t environment, const struct values *values, const struct tag_lines *lines)
{
	struct plan *plan = forkwipe_get(&plan_page);

	if (!plan || !is_plannable(request, values, lines))
		return;
	__atomic_store_n(&plan->wanted, true, __ATOMIC_RELAXED);
	if (!environment || !lock_try(&plan->lock))
		return;
	__atomic_store_n(&plan->url_mark, 0, __ATOMIC_RELAXED);
	plan->url_generation = url_cache_generation();
	plan->config_serial = snapshot->serial;
	plan->starts = starts_of(snapshot->config);
	if (read_environment(plan->starts, plan->environment, &plan->environment_len) ==
		    environment &&
	    put(plan, request, values, lines))
		__atomic_store_n(&plan->url_mark, mark_of(text_of(request->url)), __ATOMIC_RELAXED);
	lock_release(&plan->lock);
}

static bool url_is(const struct plan *plan, struct text url)
{
	uint8_t hash[SIPHASH_BYTES];

	if (plan->url_len != url.len)
		return false;
	if (plan->url[0])
		return !memcmp(plan->url, url.ptr, url.len);
	hash_url(plan, url, hash);
	return !memcmp(hash, plan->url_hash, sizeof(hash));
}

static bool client_is(const struct plan *plan, const struct tag_request *request)
{
	uint8_t hash[SIPHASH_BYTES];

	hash_client(plan, request, hash);
	return !memcmp(hash, plan->client_hash, sizeof(hash));
}

/* Whether the body, which was read into `body` and `id`, is of the same conversation. NULL: none was
 * read, as the plan does not rest on one. */
static bool conversation_is(const struct plan *plan, const struct body_id *body, struct buf *id)
{
	if (!body)
		return true;
	if (!body->conversation.signal) {
		if (body->key_result || !body->conversation.has_words)
			return false;
		conversation_id_add(id, body->key, body->conversation.words,
				    (struct text){ plan->place, plan->place_len });
	}
	return text_eq(buf_since(id, 0),
		       (struct text){ plan->conversation, plan->conversation_len });
}

/* Under the lock: whether it is for this request, and everything that it rests on is as it was. */
static bool holds(struct plan *plan, const struct tag_request *request, struct text url,
		  const struct config_snapshot *snapshot, struct text project)
{
	return plan->url_mark && plan->api == request->api && plan->port == request->port &&
	       plan->peer == request->peer && plan->url_generation == url_cache_generation() &&
	       plan->config_serial == snapshot->serial && url_is(plan, url) &&
	       environment_is(plan) && client_is(plan, request) &&
	       text_eq(project, (struct text){ plan->project, plan->project_len }) &&
	       client_unchanged(&plan->service, &plan->absence);
}

/* The lines with their text behind them, but for the gaps. */
static void copy_lines(const struct plan *plan, struct tag_lines *ret_lines)
{
	memcpy(ret_lines, (const char *)plan + offsetof(struct plan, made),
	       sizeof(*ret_lines) + plan->made.bytes);
	ret_lines->text = (const char *)(ret_lines + 1);
}

/* What is new in each request. */
static void fill_gaps(char *text, const struct gap *gaps, size_t count,
		      const uint8_t request_id[UUID_BYTES], const uint8_t span_id[PARENT_ID_BYTES])
{
	char id[UUID_TEXT_BYTES], span[SPAN_TEXT_BYTES];

	uuid_text(id, request_id);
	hex_digits(span, span_id);
	for (const struct gap *gap = gaps; gap < gaps + count; gap++) {
		if (gap->len == sizeof(id))
			memcpy(text + gap->at, id, sizeof(id));
		else
			memcpy(text + gap->at, span, sizeof(span));
	}
}

/* For a URL that may be the plan's. */
static __attribute__((noinline)) struct tag_lines *lines_by(struct plan *plan,
							    const struct tag_request *request,
							    struct text url)
{
	char conversation_memory[CONVERSATION_BYTES], project_memory[PROJECT_ID_BYTES_MAX + 1];
	uint8_t request_id[UUID_BYTES];
	struct {
		uint8_t request_id[UUID7_RANDOM_BYTES], span_id[PARENT_ID_BYTES];
	} random;
	const struct config_snapshot *snapshot;
	struct text project = { NULL, 0 };
	struct buf buf, conversation;
	struct body_id body;
	struct tag_lines *lines;
	struct gap gaps[GAPS_MAX];
	size_t gaps_count = 0, size;
	bool held = false, reads_body;

	/* What may allocate, or look at the disk for long, comes before the lock. */
	size = __atomic_load_n(&plan->lines_bytes, __ATOMIC_RELAXED);
	if (__atomic_load_n(&plan->asks_project, __ATOMIC_RELAXED)) {
		buf_init(&buf, project_memory, sizeof(project_memory));
		if (!project_of_process(&buf))
			project = buf_since(&buf, 0);
	}
	reads_body = __atomic_load_n(&plan->reads_body, __ATOMIC_RELAXED);
	if (reads_body) {
		buf_init(&conversation, conversation_memory, sizeof(conversation_memory));
		body_id_read(request, &body, &conversation);
	}
	snapshot = config_get(true);
	lines = malloc(sizeof(*lines) + size);
	if (lines && lock_try(&plan->lock)) {
		held = plan->made.bytes == size && plan->reads_body == reads_body &&
		       holds(plan, request, url, snapshot, project) &&
		       conversation_is(plan, reads_body ? &body : NULL, &conversation);
		if (held) {
			copy_lines(plan, lines);
			gaps_count = plan->gaps_count;
			memcpy(gaps, plan->gaps, sizeof(gaps));
		}
		lock_release(&plan->lock);
	}
	config_put(snapshot);
	if (!held || random_fill((uint8_t *)&random, sizeof(random))) {
		free(lines);
		return NULL;
	}
	request->identify(request->arg, random.request_id, request_id);
	random.span_id[0] |= !random.span_id[0]; /* all zero is no valid one */
	fill_gaps((char *)(lines + 1), gaps, gaps_count, request_id, random.span_id);
	return lines;
}

struct tag_lines *plan_lines(const struct tag_request *request)
{
	struct plan *plan = forkwipe_get(&plan_page);
	struct text url = text_of(request->url);

	if (!plan || request->observer || request->target || !request->identify ||
	    __atomic_load_n(&plan->url_mark, __ATOMIC_RELAXED) != mark_of(url))
		return NULL;
	return lines_by(plan, request, url);
}
