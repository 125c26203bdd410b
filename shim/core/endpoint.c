// SPDX-License-Identifier: MIT
/* Chat endpoints, by path suffix. The path is compared as it goes on the wire: case counts, and an
 * encoded slash is no slash. */
#include "core/endpoint.h"

#include <stdint.h>

/* A path ends in `tail`; where there is a head, a whole segment stands between that and the
 * tail. */
struct endpoint_row {
	char head[22], tail[46];
	unsigned char head_len, tail_len, class;
};

/* The first row that fits decides, so a longer suffix stands before one that it ends with. Each
 * starts with "/" or ":", so "/fakecompletions" fits none. */
#define ROWS(SUFFIX, BEHIND) \
	/* OpenAI, Azure OpenAI, Mistral, Groq, Ollama, and all that speak like them */ \
	SUFFIX("/chat/completions", ENDPOINT_CHAT) \
	SUFFIX("/completions", ENDPOINT_CHAT) \
	SUFFIX("/responses", ENDPOINT_CHAT) \
	SUFFIX("/responses/compact", ENDPOINT_CHAT) \
	SUFFIX("/responses/input_tokens", ENDPOINT_COUNT) \
	SUFFIX("/threads/runs", ENDPOINT_CHAT) \
	BEHIND("/threads/", "/runs", ENDPOINT_CHAT) \
	SUFFIX("/embeddings", ENDPOINT_EMBEDDING) \
	SUFFIX("/images/generations", ENDPOINT_IMAGE) \
	SUFFIX("/images/edits", ENDPOINT_IMAGE) \
	SUFFIX("/images/variations", ENDPOINT_IMAGE) \
	SUFFIX("/audio/speech", ENDPOINT_AUDIO) \
	SUFFIX("/audio/transcriptions", ENDPOINT_AUDIO) \
	SUFFIX("/audio/translations", ENDPOINT_AUDIO) \
	/* Anthropic */ \
	SUFFIX("/v1/messages", ENDPOINT_CHAT) \
	SUFFIX("/v1/messages/count_tokens", ENDPOINT_COUNT) \
	SUFFIX("/v1/complete", ENDPOINT_CHAT) \
	/* Gemini and Vertex */ \
	SUFFIX(":generateContent", ENDPOINT_CHAT) \
	SUFFIX(":streamGenerateContent", ENDPOINT_CHAT) \
	SUFFIX("/count-tokens:rawPredict", ENDPOINT_COUNT) \
	SUFFIX(":rawPredict", ENDPOINT_CHAT) \
	SUFFIX(":streamRawPredict", ENDPOINT_CHAT) \
	SUFFIX(":countTokens", ENDPOINT_COUNT) \
	SUFFIX(":embedContent", ENDPOINT_EMBEDDING) \
	SUFFIX(":batchEmbedContents", ENDPOINT_EMBEDDING) \
	/* Bedrock: such short words only behind /model/ID */ \
	BEHIND("/model/", "/invoke", ENDPOINT_CHAT) \
	BEHIND("/model/", "/invoke-with-response-stream", ENDPOINT_CHAT) \
	BEHIND("/model/", "/converse", ENDPOINT_CHAT) \
	BEHIND("/model/", "/converse-stream", ENDPOINT_CHAT) \
	BEHIND("/model/", "/count-tokens", ENDPOINT_COUNT) \
	/* Cohere */ \
	SUFFIX("/v2/chat", ENDPOINT_CHAT) \
	SUFFIX("/v1/chat", ENDPOINT_CHAT) \
	SUFFIX("/v1/generate", ENDPOINT_CHAT) \
	SUFFIX("/v2/embed", ENDPOINT_EMBEDDING) \
	SUFFIX("/v1/embed", ENDPOINT_EMBEDDING) \
	SUFFIX("/rerank", ENDPOINT_RERANK) \
	/* Ollama's own, llama.cpp */ \
	SUFFIX("/api/chat", ENDPOINT_CHAT) \
	SUFFIX("/api/generate", ENDPOINT_CHAT) \
	SUFFIX("/api/embed", ENDPOINT_EMBEDDING) \
	SUFFIX("/completion", ENDPOINT_CHAT) \
	SUFFIX("/infill", ENDPOINT_CHAT) \
	/* Databricks, DashScope, watsonx */ \
	BEHIND("/serving-endpoints/", "/invocations", ENDPOINT_CHAT) \
	SUFFIX("/services/aigc/text-generation/generation", ENDPOINT_CHAT) \
	SUFFIX("/ml/v1/text/chat", ENDPOINT_CHAT)

#define SUFFIX_ROW(tail, class) { "", tail, 0, sizeof(tail) - 1, class },
#define BEHIND_ROW(head, tail, class) { head, tail, sizeof(head) - 1, sizeof(tail) - 1, class },
static const struct endpoint_row rows[] = { ROWS(SUFFIX_ROW, BEHIND_ROW) };

struct class_row {
	char name[12];
	unsigned char class;
};

static const struct class_row classes[] = {
	{ "chat", ENDPOINT_CHAT },     { "embedding", ENDPOINT_EMBEDDING },
	{ "rerank", ENDPOINT_RERANK }, { "count", ENDPOINT_COUNT },
	{ "image", ENDPOINT_IMAGE },   { "audio", ENDPOINT_AUDIO },
	{ "all", ENDPOINT_ALL },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_suffix(struct text word)
{
	return word.len > 1 && (word.ptr[0] == '/' || word.ptr[0] == ':');
}

static bool path_ends_in(struct text path, struct text head, struct text tail)
{
	ptrdiff_t slash;

	if (!text_ends_with(path, tail))
		return false;
	if (!head.len)
		return true;
	path.len -= tail.len;
	slash = text_find_last(path, '/');
	/* The segment between head and tail is not empty. */
	if (slash < 0 || (size_t)slash + 1 == path.len)
		return false;
	path.len = (size_t)slash + 1;
	return text_ends_with(path, head);
}

/* A configured suffix, with at most one "*". */
static bool path_ends_in_word(struct text path, struct text word)
{
	ptrdiff_t star = text_find(word, '*');
	struct text head = { word.ptr, star < 0 ? 0 : (size_t)star };

	return path_ends_in(path, head, text_from(word, (size_t)(star + 1)));
}

/* Cheap pre-filter by the last two letters: most paths fail it. */
static bool may_end_in_row(struct text path)
{
#define ENDING(a, b) ((uint64_t)1 << (((unsigned char)(a)*5 + (unsigned char)(b)) & 63))
#define ENDING_OF(tail) ENDING((tail)[sizeof(tail) - 3], (tail)[sizeof(tail) - 2])
#define SUFFIX_ENDING(tail, class) | ENDING_OF(tail)
#define BEHIND_ENDING(head, tail, class) | ENDING_OF(tail)
	const uint64_t endings = 0 ROWS(SUFFIX_ENDING, BEHIND_ENDING);

	return path.len >= 2 && endings & ENDING(path.ptr[path.len - 2], path.ptr[path.len - 1]);
}

/* Only for a path that passes the filter. */
static const struct endpoint_row *row_of(struct text path)
{
	const char *end = path.ptr + path.len;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct endpoint_row *row = &rows[i];
		const char *row_end = row->tail + row->tail_len;

		/* Most rows fail it, too. */
		if (row_end[-1] == end[-1] && row_end[-2] == end[-2] &&
		    path_ends_in(path, (struct text){ row->head, row->head_len },
				 (struct text){ row->tail, row->tail_len }))
			return row;
	}
	return NULL;
}

static unsigned class_by_name(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		if (text_eq(name, text_of(classes[i].name)))
			return classes[i].class;
	}
	return 0;
}

void endpoint_parse(struct text list, struct endpoint_set *ret_set, struct text *ret_bad)
{
	struct text rest = list, word;

	*ret_set = (struct endpoint_set){ 0, list };
	*ret_bad = (struct text){ NULL, 0 };
	while (text_next(&rest, ',', &word)) {
		unsigned class;

		word = text_trim(word);
		class = class_by_name(word);
		ret_set->classes |= class;
		if (!class && word.len && !is_suffix(word))
			*ret_bad = word;
	}
	if (!text_trim(list).len)
		ret_set->classes = ENDPOINT_CHAT;
}

const char *endpoint_class_of(struct text path)
{
	const struct endpoint_row *row = may_end_in_row(path) ? row_of(path) : NULL;

	for (size_t i = 0; row && i < COUNT_OF(classes); i++) {
		if (classes[i].class == row->class)
			return classes[i].name;
	}
	return NULL;
}

static __attribute__((noinline)) bool ends_in_suffix(struct text suffixes, struct text path)
{
	struct text word;

	while (text_next(&suffixes, ',', &word)) {
		word = text_trim(word);
		if (is_suffix(word) && path_ends_in_word(path, word))
			return true;
	}
	return false;
}

bool endpoint_wanted(const struct endpoint_set *set, struct text path)
{
	const struct endpoint_row *row;

	if (set->classes & ENDPOINT_ALL)
		return true;
	row = may_end_in_row(path) ? row_of(path) : NULL;
	if (row && (set->classes & row->class))
		return true;
	return set->suffixes.len && ends_in_suffix(set->suffixes, path);
}
