// SPDX-License-Identifier: MIT
/* Chat endpoints, by path suffix. The path is compared as it goes on the wire: case counts, and an
 * encoded slash is no slash. */
#include "policy/endpoint.h"

struct endpoint_row {
	char suffix[50];
	unsigned char class;
};

/* The first row that fits decides, so a longer suffix stands before one that it ends with. A "*"
 * is one path segment. Each suffix starts with "/" or ":", so "/fakecompletions" fits none. */
static const struct endpoint_row rows[] = {
	/* OpenAI, Azure OpenAI, Mistral, Groq, Ollama, and all that speak like them */
	{ "/chat/completions", ENDPOINT_CHAT },
	{ "/completions", ENDPOINT_CHAT },
	{ "/responses", ENDPOINT_CHAT },
	{ "/responses/compact", ENDPOINT_CHAT },
	{ "/responses/input_tokens", ENDPOINT_COUNT },
	{ "/threads/runs", ENDPOINT_CHAT },
	{ "/threads/*/runs", ENDPOINT_CHAT },
	{ "/embeddings", ENDPOINT_EMBEDDING },
	{ "/images/generations", ENDPOINT_IMAGE },
	{ "/images/edits", ENDPOINT_IMAGE },
	{ "/images/variations", ENDPOINT_IMAGE },
	{ "/audio/speech", ENDPOINT_AUDIO },
	{ "/audio/transcriptions", ENDPOINT_AUDIO },
	{ "/audio/translations", ENDPOINT_AUDIO },
	/* Anthropic */
	{ "/v1/messages", ENDPOINT_CHAT },
	{ "/v1/messages/count_tokens", ENDPOINT_COUNT },
	{ "/v1/complete", ENDPOINT_CHAT },
	/* Gemini and Vertex */
	{ ":generateContent", ENDPOINT_CHAT },
	{ ":streamGenerateContent", ENDPOINT_CHAT },
	{ "/count-tokens:rawPredict", ENDPOINT_COUNT },
	{ ":rawPredict", ENDPOINT_CHAT },
	{ ":streamRawPredict", ENDPOINT_CHAT },
	{ ":countTokens", ENDPOINT_COUNT },
	{ ":embedContent", ENDPOINT_EMBEDDING },
	{ ":batchEmbedContents", ENDPOINT_EMBEDDING },
	/* Bedrock: such short words only behind /model/ID */
	{ "/model/*/invoke", ENDPOINT_CHAT },
	{ "/model/*/invoke-with-response-stream", ENDPOINT_CHAT },
	{ "/model/*/converse", ENDPOINT_CHAT },
	{ "/model/*/converse-stream", ENDPOINT_CHAT },
	{ "/model/*/count-tokens", ENDPOINT_COUNT },
	/* Cohere */
	{ "/v2/chat", ENDPOINT_CHAT },
	{ "/v1/chat", ENDPOINT_CHAT },
	{ "/v1/generate", ENDPOINT_CHAT },
	{ "/v2/embed", ENDPOINT_EMBEDDING },
	{ "/v1/embed", ENDPOINT_EMBEDDING },
	{ "/rerank", ENDPOINT_RERANK },
	/* Ollama's own, llama.cpp */
	{ "/api/chat", ENDPOINT_CHAT },
	{ "/api/generate", ENDPOINT_CHAT },
	{ "/api/embed", ENDPOINT_EMBEDDING },
	{ "/completion", ENDPOINT_CHAT },
	{ "/infill", ENDPOINT_CHAT },
	/* Databricks, DashScope, watsonx */
	{ "/serving-endpoints/*/invocations", ENDPOINT_CHAT },
	{ "/services/aigc/text-generation/generation", ENDPOINT_CHAT },
	{ "/ml/v1/text/chat", ENDPOINT_CHAT },
};

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

/* Compares from the end; "*" takes one whole, non-empty segment. */
static bool path_ends_in(struct text path, struct text suffix)
{
	ptrdiff_t star = text_find_last(suffix, '*');
	struct text tail = text_from(suffix, (size_t)(star + 1));
	ptrdiff_t slash;

	if (!text_ends_with(path, tail))
		return false;
	if (star < 0)
		return true;
	path.len -= tail.len;
	slash = text_find_last(path, '/');
	if (slash < 0 || (size_t)slash + 1 == path.len)
		return false;
	path.len = (size_t)slash + 1;
	return text_ends_with(path, (struct text){ suffix.ptr, (size_t)star });
}

static const struct endpoint_row *row_of(struct text path)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (path_ends_in(path, text_of(rows[i].suffix)))
			return &rows[i];
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
	const struct endpoint_row *row = row_of(path);

	for (size_t i = 0; row && i < COUNT_OF(classes); i++) {
		if (classes[i].class == row->class)
			return classes[i].name;
	}
	return NULL;
}

bool endpoint_wanted(const struct endpoint_set *set, struct text path)
{
	const struct endpoint_row *row;
	struct text rest = set->suffixes, word;

	if (set->classes & ENDPOINT_ALL)
		return true;
	row = row_of(path);
	if (row && (set->classes & row->class))
		return true;
	while (text_next(&rest, ',', &word)) {
		word = text_trim(word);
		if (is_suffix(word) && path_ends_in(path, word))
			return true;
	}
	return false;
}
