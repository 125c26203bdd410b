// SPDX-License-Identifier: MIT
/* Finds the user's own first words in a request's body, and the members that name a conversation.
 * The body is read in place and not decoded, except for the words that are hashed. The work is
 * bounded: of words beyond WORDS_BYTES_MAX only the length and the end count, and of a text without
 * injected blocks only the first WINDOW_BYTES_MAX are read. */
#include "core/conversation.h"

#include "core/header_signals.h"
#include "core/injected.def"
#include "core/signals.def"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/uuid.h"

#define WORDS_BYTES_MAX 1024
#define WORDS_END_BYTES 128
#define PIECE_BYTES (2 * HASH_STEP_BYTES)
#define TAIL_BYTES 512
#define WINDOW_BYTES_MAX 16384
/* Parts in parts: an image's source, a tool's result. */
#define PART_DEPTH_MAX 4

enum body_signal_kind { WHOLE, CLAUDE_USER };

struct body_signal {
	unsigned char kind, len; /* len: of the pointer's first part, the member's name */
	char pointer[26];
};

static const struct body_signal body_signals[] = {
#define BODY_ROW(kind, name, rest, product, source) { kind, sizeof(name) - 1, "/" name rest },
	BODY_SIGNALS(BODY_ROW)
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Cheap pre-filter: the names of a table, by length and first letter, are bits of one word. */
#define KIND_BIT(len, letter) ((uint64_t)1 << (((len) + 4 * ((letter)&31)) & 63))

/* What was read of one message so far. */
struct words {
	bool own_only; /* leave out what clients inject */
	bool any; /* something was said */
	size_t bytes;
	uint64_t hash;
	uint64_t media; /* hash of the first image's or file's data or address; 0: none */
};

/* Hashes the decoded text, so that "\u00fc" and the letter itself are equal: where it stands up
 * to the first escape, and the rest in pieces. */
static uint64_t hash_words(uint64_t hash, struct text raw)
{
	char plain[PIECE_BYTES + 4];
	size_t len = 0;

	while (raw.len) {
		ptrdiff_t escape = text_find(raw, '\\');
		size_t run = escape < 0 ? raw.len : (size_t)escape;

		if (!len && escape < 0)
			return hash_fast(hash, raw);
		if (!len && run >= HASH_STEP_BYTES) {
			run -= run % HASH_STEP_BYTES;
			hash = hash_fast(hash, (struct text){ raw.ptr, run });
			raw = text_from(raw, run);
			continue;
		}
		if (run > PIECE_BYTES - len)
			run = PIECE_BYTES - len;
		memcpy(plain + len, raw.ptr, run);
		raw = text_from(raw, run);
		len += run;
		if (raw.len && raw.ptr[0] == '\\')
			len += json_unescape(&raw, plain + len);
		if (len < PIECE_BYTES)
			continue;
		hash = hash_fast(hash, (struct text){ plain, PIECE_BYTES });
		len -= PIECE_BYTES;
		memcpy(plain, plain + PIECE_BYTES, len);
	}
	return hash_fast(hash, (struct text){ plain, len });
}

/* The length of the white space character, plain or escaped, at the front; 0 if there is none. */
static size_t blank_bytes(struct text raw)
{
	if (raw.len && (ascii_is_blank(raw.ptr[0]) || raw.ptr[0] == '\n'))
		return 1;
	return raw.len > 1 && raw.ptr[0] == '\\' &&
			       (raw.ptr[1] == 'n' || raw.ptr[1] == 'r' || raw.ptr[1] == 't') ?
		       2 :
		       0;
}

static struct text skip_blanks(struct text raw)
{
	size_t bytes;

	while ((bytes = blank_bytes(raw)))
		raw = text_from(raw, bytes);
	return raw;
}

static struct text without_blanks(struct text raw)
{
	raw = skip_blanks(raw);
	for (;;) {
		if (raw.len && blank_bytes(text_from(raw, raw.len - 1)))
			raw.len--;
		else if (raw.len > 1 && blank_bytes(text_from(raw, raw.len - 2)) == 2)
			raw.len -= 2;
		else
			return raw;
	}
}

static void add_words(struct words *words, struct text raw)
{
	size_t space = WORDS_BYTES_MAX - words->bytes;
	struct text head = without_blanks(raw), end = head;

	if (!head.len)
		return;
	words->any = true;
	if (head.len > space) {
		words->hash += head.len;
		head.len = space;
		if (end.len > WORDS_END_BYTES)
			end = text_from(end, end.len - WORDS_END_BYTES);
		words->hash = hash_words(words->hash, end);
	}
	words->hash = hash_words(words->hash, head);
	words->bytes += head.len;
}

/* The length of "<" or, as Go writes it, "\u003c" at the front; 0 if there is none. */
static size_t angle_bytes(struct text raw)
{
	if (!raw.len)
		return 0;
	if (raw.ptr[0] == '<')
		return 1;
	return raw.ptr[0] == '\\' && json_starts_with(raw, TEXT("<")) ? 6 : 0;
}

/* The next "<" at or behind `from`; raw.len when there is none. */
static size_t next_angle(struct text raw, size_t from, bool escaped)
{
	while (from < raw.len) {
		struct text rest = text_from(raw, from);
		ptrdiff_t at = text_find(rest, escaped ? '\\' : '<');

		if (at < 0)
			break;
		from += (size_t)at;
		if (angle_bytes(text_from(raw, from)))
			return from;
		from += 2; /* skip the escape */
	}
	return raw.len;
}

/* The tag name behind "<"; empty unless it has a "-" or "_", as the tags that clients inject
 * have. */
static struct text block_name(struct text raw)
{
	struct text name = { raw.ptr, 0 };
	bool is_compound = false;

	while (name.len < raw.len) {
		char c = raw.ptr[name.len];

		if (c == '-' || c == '_')
			is_compound = name.len > 0;
		else if (!ascii_is_alnum(c))
			break;
		name.len++;
	}
	if (!is_compound || name.len == raw.len || name.len > 40)
		name.len = 0;
	return name;
}

/* The end of the block whose opening tag is in front of `from`; raw.len when it is not closed. */
static size_t block_end(struct text raw, size_t from, struct text name, bool escaped)
{
	while ((from = next_angle(raw, from, escaped)) < raw.len) {
		struct text rest;

		from += angle_bytes(text_from(raw, from));
		rest = text_from(raw, from);
		/* "</", or as PHP writes it "<\/" */
		if (!rest.len || (rest.ptr[0] != '/' && rest.ptr[0] != '\\'))
			continue;
		rest = text_from(rest, text_starts_with(rest, TEXT("\\/")) ? 2 : 1);
		if (text_starts_with(rest, name)) {
			size_t end = (size_t)(rest.ptr - raw.ptr) + name.len;

			/* ">" or "\u003e" */
			return end + (escaped ? 6 : 1) < raw.len ? end + (escaped ? 6 : 1) :
								   raw.len;
		}
	}
	return raw.len;
}

static bool is_injected(struct text raw)
{
#define BEGINNING(text, client) text,
	static const char beginnings[][52] = { INJECTED(BEGINNING) };

	/* Cheap pre-filter: each begins with a capital letter or a "#". */
	if (!raw.len || raw.ptr[0] > 'Z')
		return false;
	for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
		if (raw.ptr[0] == beginnings[i][0] && json_starts_with(raw, text_of(beginnings[i])))
			return true;
	}
	return false;
}

/* Adds one text of a message: all of it, or what remains without injected blocks. */
static void read_text(struct words *words, struct text raw)
{
	size_t start = 0, at = 0;
	bool escaped;

	if (!words->own_only) {
		add_words(words, raw);
		return;
	}
	raw = skip_blanks(raw);
	if (is_injected(raw))
		return;
	escaped = angle_bytes(raw) == 6;
	while ((at = next_angle(raw, at, escaped)) < raw.len) {
		size_t inside = at + angle_bytes(text_from(raw, at));
		struct text name = block_name(text_from(raw, inside));

		if (!name.len) {
			at = inside;
			continue;
		}
		add_words(words, (struct text){ raw.ptr + start, at - start });
		start = at = block_end(raw, inside + name.len, name, escaped);
	}
	add_words(words, text_from(raw, start));
}

/* Reads the next string, of a long one only the first WINDOW_BYTES_MAX: a book then costs no
 * more than a page, but the reader does not find the string's end, and reads no further. A
 * string that begins with an injected block is read to its end, because the user's words may
 * follow the block. */
static bool next_text(struct json *json, struct text *ret_raw)
{
	struct text raw = skip_blanks(
		(struct text){ json->at + 1, (size_t)(json->end - json->at) - 1 });
	struct json window;

	if (raw.len <= WINDOW_BYTES_MAX || angle_bytes(raw) || is_injected(raw))
		return json_string(json, ret_raw);
	raw = (struct text){ json->at, WINDOW_BYTES_MAX };
	json_init_lenient(&window, raw);
	json_string(&window, ret_raw);
	json->at = window.at;
	json->error = window.error;
	return true;
}

static bool is_among(struct text key, const char (*keys)[12], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (text_eq(key, text_of(keys[i])))
			return true;
	}
	return false;
}

/* A text, a part, or a list of parts. */
static void read_content(struct words *words, struct json *json, struct text key, unsigned depth)
{
	static const char texts[][12] = { "text", "content", "parts" };
	static const char media[][12] = { "url",     "image_url", "data",    "file_data",
					  "file_id", "fileUri",	  "file_uri" };
	enum json_type type = json_peek(json);
	bool is_text = depth == 0 || is_among(key, texts, COUNT_OF(texts));
	struct text raw, name;

	if (type == JSON_STRING && is_text) {
		if (next_text(json, &raw))
			read_text(words, raw);
	} else if (type == JSON_STRING && is_among(key, media, COUNT_OF(media))) {
		if (json_string(json, &raw) && !words->media) {
			raw.len = raw.len < WORDS_END_BYTES ? raw.len : WORDS_END_BYTES;
			words->media = hash_fast(1, raw);
		}
	} else if (type == JSON_ARRAY && depth == 0) {
		json_array(json);
		while (json_element(json))
			read_content(words, json, key, 1);
	} else if (type == JSON_OBJECT && depth < PART_DEPTH_MAX) {
		json_object(json);
		while (json_member(json, &name))
			read_content(words, json, name, depth + 1);
	} else {
		json_skip(json, NULL);
	}
}

struct reading {
	struct conversation *conversation;
	bool is_cut; /* the body goes on behind what is here */
	struct words fallback; /* all of the user's first message, which had no words of his own */
};

/* Reads the content that `content` begins with. */
static struct words words_of(const struct reading *reading, struct text content, bool own_only)
{
	struct words words = { .own_only = own_only };
	struct json json;

	json_init_lenient(&json, content);
	read_content(&words, &json, TEXT("content"), 0);
	if (!words.any && words.media) {
		words.any = true;
		words.hash = words.media;
	}
	/* The string may go on in a part that is not here, or it is no JSON. */
	if (json.error && json.at == json.end && !reading->is_cut)
		words.any = false;
	return words;
}

/* True when the user's own words were found: then reading ends. */
static bool read_users(struct reading *reading, struct text content)
{
	struct words words = words_of(reading, content, true);

	if (words.any) {
		reading->conversation->has_words = true;
		reading->conversation->words = words.hash;
		return true;
	}
	if (!reading->fallback.any)
		reading->fallback = words_of(reading, content, false);
	return false;
}

/* Reads one message, whose role may follow the content. True as read_users. */
static bool read_message(struct reading *reading, struct json *json, bool is_users)
{
	struct text key, role, content = { NULL, 0 };
	bool has_role = false;

	if (json_peek(json) != JSON_OBJECT) {
		json_skip(json, NULL);
		return false;
	}
	json_object(json);
	while (json_member(json, &key)) {
		if (text_eq(key, TEXT("role")) && json_peek(json) == JSON_STRING) {
			json_string(json, &role);
			is_users = text_eq(role, TEXT("user"));
			has_role = true;
			continue;
		}
		if (text_eq(key, TEXT("content")) || text_eq(key, TEXT("parts"))) {
			json_peek(json);
			content = (struct text){ json->at, (size_t)(json->end - json->at) };
			/* Usually the role comes first: then a long content need not be skipped. */
			if (has_role && is_users && read_users(reading, content))
				return true;
			if (has_role)
				content.ptr = NULL;
		}
		json_skip(json, NULL);
	}
	return is_users && content.ptr && read_users(reading, content);
}

/* True when the array was read, at least up to the user's words; false: the caller skips the
 * value. */
static bool read_messages(struct reading *reading, struct json *json, bool is_users)
{
	enum json_type type = json_peek(json);

	if (type == JSON_STRING) /* the responses interface: one text of the user's */
		read_users(reading, (struct text){ json->at, (size_t)(json->end - json->at) });
	if (type != JSON_ARRAY)
		return false;
	json_array(json);
	while (json_element(json)) {
		if (read_message(reading, json, is_users))
			return true;
	}
	/* In an array that was cut off, the user's words may have been in the missing part. */
	if (!json->error && reading->fallback.any) {
		reading->conversation->has_words = true;
		reading->conversation->words = reading->fallback.hash;
	}
	return true;
}

/* Finds the value by the row's pointer without its first part; false when it cannot be an id. */
static bool signal_value(const struct body_signal *row, struct text document, struct text pointer,
			 struct buf *ret_value)
{
	const struct text mark = TEXT("_session_");
	char memory[2 * SIGNAL_BYTES_MAX];
	struct text session = { NULL, 0 };
	struct buf text;

	buf_init(&text, memory, sizeof(memory));
	if (!json_pointer(document, pointer, &text))
		return false;
	if (row->kind == CLAUDE_USER)
		session = buf_since(&text, 0);
	while (session.len && !text_starts_with(session, mark))
		session = text_from(session, 1);
	/* user_..._account_..._session_UUID, or a text of JSON that has a session_id. */
	if (row->kind == WHOLE)
		buf_add(ret_value, buf_since(&text, 0));
	else if (session.len)
		buf_add(ret_value, text_from(session, mark.len));
	else
		json_pointer(buf_since(&text, 0), TEXT("/session_id"), ret_value);
	return !ret_value->full && signal_is_fit(buf_since(ret_value, 0));
}

static bool is_row_of(const struct body_signal *row, struct text key)
{
	return text_eq(key, (struct text){ row->pointer + 1, row->len });
}

static bool names_signal(struct text key)
{
#define BODY_BIT(kind, name, rest, product, source) | KIND_BIT(sizeof(name) - 1, name[0])
	const uint64_t kinds = 0 BODY_SIGNALS(BODY_BIT);

	if (!key.len || !(kinds & KIND_BIT(key.len, key.ptr[0])))
		return false;
	for (size_t i = 0; i < COUNT_OF(body_signals); i++) {
		if (is_row_of(&body_signals[i], key))
			return true;
	}
	return false;
}

/* Reads the next member if it is a signal that ranks above the best one so far. */
static void read_signal(const struct json *json, struct text key, size_t *best,
			struct buf *ret_value)
{
	struct text document = { json->at, (size_t)(json->end - json->at) };
	char memory[SIGNAL_BYTES_MAX + 2];
	struct buf value;

	for (size_t i = 0; i < *best; i++) {
		const struct body_signal *row = &body_signals[i];

		if (!is_row_of(row, key))
			continue;
		buf_init(&value, memory, sizeof(memory));
		if (!signal_value(row, document, text_of(row->pointer + 1 + row->len), &value))
			continue;
		buf_cut(ret_value, 0);
		buf_add(ret_value, buf_since(&value, 0));
		*best = i;
	}
}

/* Members behind the messages are searched in the last bytes of the body, because parsing would
 * have to pass a long conversation. Before such a member is a comma, and maybe white space; a member
 * of a nested object is recognised by the number of brackets that close behind it. */
static void read_tail(struct text body, size_t *best, struct buf *ret_value)
{
	const char *end = body.ptr + body.len, *at = body.ptr + 1, *next;

	if (body.len > TAIL_BYTES)
		at = end - TAIL_BYTES;
	at = memchr(at, '"', (size_t)(end - at));
	for (; at && (next = memchr(at + 1, '"', (size_t)(end - at) - 1)); at = next) {
		struct text key = { at + 1, (size_t)(next - at) - 1 };
		struct json json, rest;

		if ((at[-1] != ',' && (uint8_t)at[-1] > ' ') || !names_signal(key))
			continue;
		json_init_lenient(&json, (struct text){ at, (size_t)(end - at) });
		json.depth = 1;
		json.fresh = 1u << 1;
		if (!json_member(&json, &key))
			continue;
		rest = json;
		json_leave(&rest, 0);
		if (json_end(&rest))
			read_signal(&json, key, best, ret_value);
	}
}

void conversation_read(struct text body, struct conversation *ret_conversation,
		       struct buf *ret_signal)
{
	struct reading reading = { .conversation = ret_conversation };
	bool is_cut = body.len > BODY_BYTES_MAX, is_part, is_read = false;
	size_t best = COUNT_OF(body_signals);
	struct json json;
	struct text key;

	*ret_conversation = (struct conversation){ .signal = NULL };
	reading.is_cut = is_cut;
	if (is_cut)
		body.len = BODY_BYTES_MAX;
	while (body.len && !is_cut && (uint8_t)body.ptr[body.len - 1] <= ' ')
		body.len--;
	if (!body.len)
		return;
	/* A hook may have only the first piece of a stream: words that are complete there count. */
	is_part = is_cut || body.ptr[body.len - 1] != '}';
	json_init_lenient(&json, body);
	json_object(&json);
	while (!ret_conversation->has_words && json_member(&json, &key)) {
		is_read = false;
		if (text_eq(key, TEXT("messages")) || text_eq(key, TEXT("input")))
			is_read = read_messages(&reading, &json, false);
		else if (text_eq(key, TEXT("contents")))
			is_read = read_messages(&reading, &json,
						true); /* Gemini's role may be missing */
		else if (names_signal(key))
			read_signal(&json, key, &best, ret_signal);
		if (!is_read)
			json_skip(&json, NULL);
	}
	if (json.error && !is_cut) {
		ret_conversation->has_words = false;
		buf_cut(ret_signal, 0);
		return;
	}
	if (ret_conversation->has_words && !is_part)
		read_tail(body, &best, ret_signal);
	if (best < COUNT_OF(body_signals))
		ret_conversation->signal = body_signals[best].pointer;
}

void conversation_id_add(struct buf *ret_id, const uint8_t key[SIPHASH_KEY_BYTES], uint64_t words,
			 struct text place)
{
	uint8_t digest[SIPHASH_BYTES];
	struct siphash hash;

	siphash_init(&hash, key);
	siphash_add(&hash, (struct text){ (const char *)&words, sizeof(words) });
	siphash_add(&hash, place);
	siphash_end(&hash, digest);
	uuid8_make(digest);
	uuid_format(ret_id, digest);
}
