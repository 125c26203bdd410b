// SPDX-License-Identifier: MIT
/*
 * Finding the user's own first words in a body, and the members that name a conversation. Everything
 * is read in place, escaped as it stands: a client writes the same words in the same way in each of
 * its requests. What costs instructions is bounded: words beyond WORDS_BYTES_MAX count by their
 * length and their end, and a text without injected blocks is looked at up to WINDOW_BYTES_MAX.
 */
#include "core/conversation.h"

#include "core/injected.def"
#include "core/signals.def"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/uuid.h"

#define WORDS_BYTES_MAX 1024
#define WORDS_END_BYTES 128
#define WINDOW_BYTES_MAX 16384
/* Parts in parts: an image's source, a tool's result. */
#define PART_DEPTH_MAX 4
#define SIGNAL_BYTES_MAX 255

enum signal_place { HEADER, BODY, CLAUDE_USER };

struct signal_row {
	unsigned char field, place, name_len;
	char name[30];
};

static const struct signal_row signals[] = {
#define ROW(field, place, name, product, source) { FIELD_##field, place, sizeof(name) - 1, name },
	SIGNALS(ROW)
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

bool signal_is_fit(struct text value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] <= ' ' || value.ptr[i] > '~')
			return false;
	}
	return value.len && value.len <= SIGNAL_BYTES_MAX;
}

bool signal_in_headers(enum field field, next_header *next, void *arg, struct text *ret_value,
		       const char **ret_name)
{
	size_t best = COUNT_OF(signals);
	const void *cursor = NULL;
	struct text name, value;

	while ((cursor = next(arg, cursor, &name, &value))) {
		for (size_t i = 0; i < best; i++) {
			const struct signal_row *row = &signals[i];

			if (row->place != HEADER || row->name_len != name.len || row->field != field ||
			    !text_eq_nocase(name, (struct text){ row->name, row->name_len }) ||
			    !signal_is_fit(value))
				continue;
			*ret_value = value;
			*ret_name = row->name;
			best = i;
		}
	}
	return best < COUNT_OF(signals);
}

/* The words of one message, while it is read. */
struct words {
	bool own_only; /* leave out what clients inject */
	bool any; /* something was said */
	size_t bytes;
	uint64_t hash;
	uint64_t media; /* of what is no text: an image's data or address; 0: none */
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9E3779B97F4A7C15;
	return hash ^ hash >> 29;
}

static uint64_t hash_bytes(uint64_t hash, struct text text)
{
	uint64_t word;

	for (; text.len >= sizeof(word); text = text_from(text, sizeof(word))) {
		memcpy(&word, text.ptr, sizeof(word));
		hash = mix(hash, word);
	}
	word = text.len;
	for (size_t i = 0; i < text.len; i++)
		word = word << 8 | (uint8_t)text.ptr[i];
	return mix(hash, word);
}

/* Of at most WORDS_BYTES_MAX, unescaped: the same for "\u00fc" and for the letter itself. */
static uint64_t hash_words(uint64_t hash, struct text raw)
{
	char plain[WORDS_BYTES_MAX + 4];
	size_t len = 0;

	while (raw.len) {
		ptrdiff_t escape = text_find(raw, '\\');
		size_t run = escape < 0 ? raw.len : (size_t)escape;

		memcpy(plain + len, raw.ptr, run);
		raw = text_from(raw, run);
		len += run;
		len += json_unescape(&raw, plain + len);
	}
	return hash_bytes(hash, (struct text){ plain, len });
}

/* Whether white space stands at the front, also an escaped one; its bytes. */
static size_t blank_bytes(struct text raw)
{
	if (raw.len && (ascii_is_blank(raw.ptr[0]) || raw.ptr[0] == '\n'))
		return 1;
	return raw.len > 1 && raw.ptr[0] == '\\' &&
			       (raw.ptr[1] == 'n' || raw.ptr[1] == 'r' || raw.ptr[1] == 't') ?
		       2 :
		       0;
}

static struct text without_blanks(struct text raw)
{
	size_t bytes;

	while ((bytes = blank_bytes(raw)))
		raw = text_from(raw, bytes);
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
		words->hash = mix(words->hash, head.len);
		head.len = space;
		if (end.len > WORDS_END_BYTES)
			end = text_from(end, end.len - WORDS_END_BYTES);
		words->hash = hash_words(words->hash, end);
	}
	words->hash = hash_words(words->hash, head);
	words->bytes += head.len;
}

/* "<" or, as Go writes it, "\u003c" at the front: its bytes, or 0. */
static size_t angle_bytes(struct text raw)
{
	if (raw.len && raw.ptr[0] == '<')
		return 1;
	return json_starts_with(raw, TEXT("<")) ? 6 : 0;
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
		from += 2; /* an escape is not looked into */
	}
	return raw.len;
}

/* The name of a block's opening tag behind "<"; empty when it is no tag that clients inject. */
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

/* Where the block that opens before `from` ends; raw.len when its end is not seen. */
static size_t block_end(struct text raw, size_t from, struct text name, bool escaped)
{
	while ((from = next_angle(raw, from, escaped)) < raw.len) {
		struct text rest;

		from += angle_bytes(text_from(raw, from));
		rest = text_from(raw, from);
		/* "</", or as PHP writes it "<\/" */
		rest = text_from(rest, text_starts_with(rest, TEXT("\\/")) ? 2 : 1);
		if (raw.ptr[from] != '/' && raw.ptr[from] != '\\')
			continue;
		if (text_starts_with(rest, name)) {
			size_t end = (size_t)(rest.ptr - raw.ptr) + name.len;

			/* ">" or "\u003e" */
			return end + (escaped ? 6 : 1) < raw.len ? end + (escaped ? 6 : 1) : raw.len;
		}
	}
	return raw.len;
}

static bool is_injected(struct text raw)
{
#define BEGINNING(text, client) text,
	static const char beginnings[][52] = { INJECTED(BEGINNING) };

	for (size_t i = 0; raw.len && i < COUNT_OF(beginnings); i++) {
		if (raw.ptr[0] == beginnings[i][0] && json_starts_with(raw, text_of(beginnings[i])))
			return true;
	}
	return false;
}

/* One text of a message: the whole, or what is left of it without injected blocks. */
static void read_text(struct words *words, struct text raw)
{
	size_t start = 0, at = 0;
	bool escaped;

	raw = without_blanks(raw);
	if (!raw.len)
		return;
	if (!words->own_only) {
		add_words(words, raw);
		return;
	}
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

/*
 * The string that comes next. One of the user's is looked at up to the window, so that a book costs
 * no more than a page; then its end is not known, and the message cannot be read on. One that begins
 * with an injected block is read to its end, because the user's words may stand behind it.
 */
static bool next_text(struct json *json, struct text *ret_raw)
{
	struct text raw = { json->at + 1, (size_t)(json->end - json->at) - 1 };
	struct json window;
	size_t bytes;

	while ((bytes = blank_bytes(raw)))
		raw = text_from(raw, bytes);
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
	static const char media[][12] = { "url", "image_url", "data", "file_data",
					  "file_id", "fileUri", "file_uri" };
	enum json_type type = json_peek(json);
	bool is_text = is_among(key, texts, COUNT_OF(texts));
	struct text raw, name;

	if (type == JSON_STRING && is_text) {
		if (next_text(json, &raw))
			read_text(words, raw);
	} else if (type == JSON_STRING && is_among(key, media, COUNT_OF(media))) {
		if (json_string(json, &raw) && !words->media) {
			raw.len = raw.len < WORDS_END_BYTES ? raw.len : WORDS_END_BYTES;
			words->media = hash_bytes(1, raw);
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

/* What is said in the content that begins the text. */
static struct words words_of(struct text content, bool own_only)
{
	struct words words = { .own_only = own_only };
	struct json json;

	json_init_lenient(&json, content);
	read_content(&words, &json, TEXT("content"), 0);
	if (!words.any && words.media) {
		words.any = true;
		words.hash = words.media;
	}
	return words;
}

/* What a body is read with. */
struct reading {
	struct conversation *conversation;
	struct words fallback; /* all of the user's first message, which had no words of his own */
};

/* True when the user's own words were found, and nothing more is to be read. */
static bool read_users(struct reading *reading, struct text content)
{
	struct words words = words_of(content, true);

	if (words.any) {
		reading->conversation->has_words = true;
		reading->conversation->words = words.hash;
		return true;
	}
	if (!reading->fallback.any)
		reading->fallback = words_of(content, false);
	return false;
}

/* One message. The role may stand behind the content. */
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
			/* Often the role is known here: then a long content need not be skipped. */
			if (has_role && is_users && read_users(reading, content))
				return true;
			if (has_role)
				content.ptr = NULL;
		}
		json_skip(json, NULL);
	}
	return is_users && content.ptr && read_users(reading, content);
}

static void read_messages(struct reading *reading, struct json json, bool is_users)
{
	if (json_peek(&json) == JSON_STRING) { /* the responses interface: one text of the user's */
		read_users(reading, (struct text){ json.at, (size_t)(json.end - json.at) });
		return;
	}
	if (json_peek(&json) != JSON_ARRAY)
		return;
	json_array(&json);
	while (json_element(&json)) {
		if (read_message(reading, &json, is_users))
			return;
	}
	/* A list whose end was not seen may have the user's words behind it. */
	if (!json.error && reading->fallback.any) {
		reading->conversation->has_words = true;
		reading->conversation->words = reading->fallback.hash;
	}
}

/* The value of a body signal; false when it has none that is fit. */
static bool signal_in_body(const struct signal_row *row, struct text body, struct buf *ret_value)
{
	static const char mark[] = "_session_";
	const char *session;

	if (!json_pointer(body, (struct text){ row->name, row->name_len }, ret_value))
		return false;
	if (row->place == CLAUDE_USER) {
		char memory[SIGNAL_BYTES_MAX + 1];
		struct buf part;

		/* user_..._account_..._session_UUID, or a text of JSON that has a session_id. */
		buf_init(&part, memory, sizeof(memory));
		session = strstr(ret_value->data, mark);
		if (session)
			buf_add(&part, text_of(session + strlen(mark)));
		else
			json_pointer(buf_since(ret_value, 0), TEXT("/session_id"), &part);
		buf_cut(ret_value, 0);
		buf_add(ret_value, buf_since(&part, 0));
	}
	if (signal_is_fit(buf_since(ret_value, 0)))
		return true;
	buf_cut(ret_value, 0);
	return false;
}

/* The rows whose pointer begins with this member, a bit for each. */
static uint64_t rows_below(struct text key)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		const struct signal_row *row = &signals[i];

		if (row->place != HEADER && row->name[1] == key.ptr[0] && row->name_len > key.len &&
		    !memcmp(row->name + 1, key.ptr, key.len) &&
		    (row->name[key.len + 1] == '/' || row->name_len == key.len + 1))
			rows |= (uint64_t)1 << i;
	}
	return rows;
}

void conversation_read(struct text body, struct conversation *ret_conversation,
		       struct buf *ret_signal)
{
	struct reading reading = { .conversation = ret_conversation };
	bool is_cut = body.len > BODY_BYTES_MAX;
	uint64_t rows = 0;
	struct json json;
	struct text key;

	*ret_conversation = (struct conversation){ .signal = NULL };
	if (is_cut)
		body.len = BODY_BYTES_MAX;
	json_init_lenient(&json, body);
	json_object(&json);
	while (json_member(&json, &key)) {
		if (text_eq(key, TEXT("messages")) || text_eq(key, TEXT("input")))
			read_messages(&reading, json, false);
		else if (text_eq(key, TEXT("contents")))
			read_messages(&reading, json, true); /* Gemini's role may be missing */
		else if (key.len)
			rows |= rows_below(key);
		/* What stands behind the messages is beyond what was handed over, most likely. */
		if (is_cut && ret_conversation->has_words)
			break;
		json_skip(&json, NULL);
	}
	if (json.error && !is_cut) { /* no JSON, or not all of it */
		ret_conversation->has_words = false;
		return;
	}
	for (size_t i = 0; i < COUNT_OF(signals) && !ret_conversation->signal; i++) {
		if ((rows >> i & 1) && signal_in_body(&signals[i], body, ret_signal))
			ret_conversation->signal = signals[i].name;
	}
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
