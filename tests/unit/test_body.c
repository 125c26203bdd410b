// SPDX-License-Identifier: MIT
/* What is read of request bodies: the hash, conversation ids, values by pointer. */
#include "suite.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/limits.h"
#include "core/conversation.h"
#include "lib/json.h"
#include "lib/siphash.h"

static const uint8_t key[SIPHASH_KEY_BYTES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* From the authors' reference code: the digests of "", 00, 00 01, ... under the key above. */
static void reference_vectors(void)
{
	static const char *const digests[] = {
		"a3817f04ba25a8e66df67214c7550293", "da87c1d86b99af44347659119b22fc45",
		"8177228da4a45dc7fca38bdef60affe4", "9c70b60c5267a94e5f33b6b02985ed51",
	};
	char input[sizeof(digests) / sizeof(digests[0])], memory[64];

	for (size_t i = 0; i < sizeof(input); i++) {
		uint8_t digest[SIPHASH_BYTES];
		struct siphash hash;
		struct buf buf;

		input[i] = (char)i;
		siphash_init(&hash, key);
		siphash_add(&hash, (struct text){ input, i });
		siphash_end(&hash, digest);
		buf_init(&buf, memory, sizeof(memory));
		buf_hex(&buf, digest, sizeof(digest));
		CHECK_TEXT(buf_since(&buf, 0), text_of(digests[i]), digests[i]);
	}
}

static struct text id_of(struct text body, char memory[40])
{
	struct buf id;

	buf_init(&id, memory, 40);
	conversation_derive(body, key, &id);
	return buf_since(&id, 0);
}

/* Rows of one group are turns of one conversation; two groups are two. */
static void conversations(void)
{
	static const struct {
		int group;
		const char *body;
	} table[] = {
		/* OpenAI chat completions */
		{ 1, "{\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
		     "{\"role\":\"user\",\"content\":\"hi\"}]}" },
		{ 1, "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"content\":\"be brief\",\"role\":\"system\"},"
		     "{\"content\":\"hi\",\"role\":\"user\"},{\"role\":\"assistant\",\"content\":\"yes?\"},"
		     "{\"role\":\"user\",\"content\":\"more\"}],\"n\":1}" },
		{ 1, " { \"messages\" : [ {\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"be brief\"}]},\n"
		     "{\"role\":\"user\",\"content\":[{\"text\":\"h\\u0069\",\"type\":\"text\","
		     "\"cache_control\":{\"type\":\"ephemeral\"}}]}" },
		{ 2, "{\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
		     "{\"role\":\"user\",\"content\":\"ho\"}]}" },
		{ 3, "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}" },
		{ 3, "{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"},"
		     "{\"role\":\"user\",\"content\":\"hi\"}]}" },
		/* a system prompt is no question, and two texts are not one */
		{ 4, "{\"messages\":[{\"role\":\"system\",\"content\":\"hi\"},"
		     "{\"role\":\"user\",\"content\":\"be brief\"}]}" },
		{ 5, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"h\"},{\"text\":\"i\"}]}]}" },
		/* an image is part of what is asked */
		{ 6, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"},"
		     "{\"image_url\":{\"url\":\"data:a\"}}]}]}" },
		{ 7, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"},"
		     "{\"image_url\":{\"url\":\"data:b\"}}]}]}" },
		/* OpenAI responses */
		{ 8, "{\"instructions\":\"be kind\",\"input\":\"hi\"}" },
		{ 8, "{\"instructions\":\"be kind\",\"input\":[{\"role\":\"user\",\"content\":"
		     "[{\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"function_call\"}]}" },
		{ 3, "{\"input\":\"hi\"}" },
		/* Anthropic messages */
		{ 9, "{\"system\":[{\"type\":\"text\",\"text\":\"be good\"}],\"messages\":"
		     "[{\"role\":\"user\",\"content\":\"hi\"}]}" },
		{ 9, "{\"system\":\"be good\",\"max_tokens\":5,\"messages\":"
		     "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},"
		     "{\"role\":\"assistant\",\"content\":\"x\"}]}" },
		/* Gemini contents */
		{ 10, "{\"systemInstruction\":{\"parts\":[{\"text\":\"be new\"}]},\"contents\":"
		      "[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}" },
		{ 10, "{\"system_instruction\":{\"parts\":{\"text\":\"be new\"}},\"contents\":"
		      "[{\"parts\":[{\"text\":\"hi\"}]},{\"role\":\"model\",\"parts\":[]}]}" },
		{ 3, "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}" },
		/* UTF-8 as it is, and escaped */
		{ 11, "{\"input\":\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"}" },
		{ 11, "{\"input\":\"gr\\u00fc\\u00DF \\ud83d\\ude00\"}" },
	};
	char ids[sizeof(table) / sizeof(table[0])][40];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct text id = id_of(text_of(table[i].body), ids[i]);

		CHECK(id.len == 36 && id.ptr[14] == '8', table[i].body);
		for (size_t j = 0; j < i; j++)
			CHECK(!strcmp(ids[i], ids[j]) == (table[i].group == table[j].group),
			      table[i].body);
	}
}

static void another_key(void)
{
	static const uint8_t other[SIPHASH_KEY_BYTES] = { 1 };
	struct text body = TEXT("{\"input\":\"hi\"}");
	char a[40], b[40];
	struct buf id;

	buf_init(&id, b, sizeof(b));
	CHECK(conversation_derive(body, other, &id), "another key");
	CHECK(!text_eq(id_of(body, a), buf_since(&id, 0)), "another id");
}

static void no_conversation(void)
{
	static const char *const table[] = {
		"", " ", "x", "[]", "{}", "{\"messages\":[]}", "{\"messages\":{}}", "{\"messages\":[1,null]}",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}",
		"{\"messages\":[{\"role\":\"user\"}]}", "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}",
		"{\"messages\":[{\"role\":5,\"content\":\"x\"}]}", "{\"prompt\":\"hi\"}", "a=1&b=2",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi", "{\"messages\":[{\"role\":\"user\",\"content\":",
		"{\"messages\":[{\"role\":\"user\" \"content\":\"hi\"}]}", "{\"input\":5}", "{\"input\"",
		"{\"a\":]}", "{\"a\":}", "{,}", "\xFF\xFE", "{\"a\":tru", "--boundary\r\n", "{\"input\":\"\"}",
	};
	char memory[40];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK(!id_of(text_of(table[i]), memory).len, table[i]);
	CHECK(!id_of((struct text){ "\0{\"input\":\"hi\"}", 15 }, memory).len, "NUL");
}

/* The body ends where memory ends, right behind the first message of the user's: whatever is looked
 * at behind it is a crash. */
static void looks_no_further(void)
{
	static const char beginning[] = "{\"tools\":[{\"a\":[1,{}]}],\"messages\":"
					"[{\"role\":\"user\",\"content\":\"hi\"}";
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *body = memory + page - (sizeof(beginning) - 1);
	char id[40], same[40];

	memcpy(body, beginning, sizeof(beginning) - 1);
	mprotect(memory + page, page, PROT_NONE);
	CHECK(id_of((struct text){ body, 100 << 20 }, id).len, "said to have 100 MiB");
	CHECK_TEXT(text_of(id), id_of(TEXT("{\"input\":\"hi\"}"), same), "the same beginning");
	munmap(memory, 2 * page);
}

/* A message that is longer than what is looked at counts as far as that. */
static void long_message(void)
{
	static const char beginning[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"";
	size_t size = BODY_BYTES_MAX + 1000;
	char *body = malloc(size), a[40], b[40];

	memset(body, 'x', size);
	memcpy(body, beginning, sizeof(beginning) - 1);
	CHECK(id_of((struct text){ body, size }, a).len, "has an id");
	CHECK_TEXT(id_of((struct text){ body, size - 1 }, b), text_of(a), "the end does not count");
	body[BODY_BYTES_MAX - 1] = 'y';
	CHECK(!text_eq(id_of((struct text){ body, size }, b), text_of(a)), "what is seen does");
	CHECK(!id_of((struct text){ body, BODY_BYTES_MAX }, b).len, "a whole body that is broken");
	free(body);
}

static void deep(void)
{
	char *body = malloc(200000), id[40];
	size_t len = (size_t)sprintf(body, "{\"messages\":[{\"role\":\"user\",\"content\":");

	memset(body + len, '[', 100000);
	CHECK(!id_of((struct text){ body, len + 100000 }, id).len, "nothing is said in there");
	free(body);
}

static void pointers(void)
{
	static const char body[] =
		"{\"metadata\":{\"task_id\":\"T-\\u0034\\n2\",\"n\":-1.5e3,\"yes\":true,\"no\":null,\"o\":{},"
		"\"a/b\":\"slash\",\"m~n\":\"tilde\",\"\":\"empty\",\"k\":\"first\",\"k\":\"second\"},"
		"\"list\":[\"zero\",{\"x\":\"one\"},[2,3]],\"\\u0061scii\":\"escaped\",\"last\":7}";
	static const struct {
		const char *pointer, *value; /* NULL: none */
	} table[] = {
		{ "/metadata/task_id", "T-4\n2" }, { "/metadata/n", "-1.5e3" },
		{ "/metadata/yes", "true" },	   { "/metadata/no", NULL },
		{ "/metadata/o", NULL },	   { "/metadata/a~1b", "slash" },
		{ "/metadata/m~0n", "tilde" },	   { "/metadata/", "empty" },
		{ "/metadata/k", "first" },	   { "/list/0", "zero" },
		{ "/list/1/x", "one" },		   { "/list/2/1", "3" },
		{ "/list/3", NULL },		   { "/list/-", NULL },
		{ "/list/01", NULL },		   { "/list", NULL },
		{ "/ascii", "escaped" },	   { "/last", "7" },
		{ "/last/x", NULL },		   { "/metadata/task_id/x", NULL },
		{ "", NULL },			   { "metadata", NULL },
		{ "/nothing", NULL },		   { "/", NULL },
	};
	char memory[VALUE_BYTES_MAX + 1];
	struct buf value;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool found;

		buf_init(&value, memory, sizeof(memory));
		found = json_pointer(text_of(body), text_of(table[i].pointer), &value);
		CHECK(found == (table[i].value != NULL), table[i].pointer);
		CHECK_TEXT(buf_since(&value, 0), text_of(table[i].value ? table[i].value : ""),
			   table[i].pointer);
	}
	buf_init(&value, memory, 4);
	CHECK(!json_pointer(text_of(body), TEXT("/list/0"), &value) && !value.len, "no room");
	for (size_t len = 0; len < sizeof(body) - 3; len++)
		CHECK(!json_pointer((struct text){ body, len }, TEXT("/last"), &value),
		      "cut: no number that is half a one");
}

static const struct suite_test tests[] = {
	TEST(reference_vectors), TEST(conversations), TEST(another_key), TEST(no_conversation),
	TEST(looks_no_further),	 TEST(long_message),  TEST(deep),	 TEST(pointers),
};

SUITE("body", tests)
