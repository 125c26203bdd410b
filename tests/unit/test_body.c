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
		/* In two pieces, so that the second begins inside a word. */
		siphash_add(&hash, (struct text){ input, i / 3 });
		siphash_add(&hash, text_from((struct text){ input, i }, i / 3));
		siphash_end(&hash, digest);
		buf_init(&buf, memory, sizeof(memory));
		buf_hex(&buf, digest, sizeof(digest));
		CHECK_TEXT(buf_since(&buf, 0), text_of(digests[i]), digests[i]);
	}
}

/* The derived id, or an empty text. */
static struct text id_by(const uint8_t *by, struct text place, struct text body, char memory[40])
{
	struct conversation conversation;
	char signal[VALUE_BYTES_MAX + 1];
	struct buf id;

	buf_init(&id, signal, sizeof(signal));
	conversation_read(body, &conversation, &id);
	buf_init(&id, memory, 40);
	if (conversation.has_words)
		conversation_id_add(&id, by, conversation.words, place);
	return buf_since(&id, 0);
}

static struct text id_of(struct text body, char memory[40])
{
	return id_by(key, TEXT(""), body, memory);
}

/* Rows of one group are turns of one conversation; two groups are two. */
static void conversations(void)
{
	static const struct {
		int group;
		const char *body;
	} table[] = {
		/* OpenAI chat completions; the system prompt does not count */
		{ 1, "{\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
		     "{\"role\":\"user\",\"content\":\"hi\"}]}" },
		{ 1, "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"content\":\"be brief, it is 10:01\","
		     "\"role\":\"system\"},{\"content\":\"hi\",\"role\":\"user\"},"
		     "{\"role\":\"assistant\",\"content\":\"yes?\"},{\"role\":\"user\",\"content\":\"more\"}],\"n\":1}" },
		{ 1, " { \"messages\" : [ {\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"be\"}]},\n"
		     "{\"role\":\"user\",\"content\":[{\"text\":\" h\\u0069\\n\",\"type\":\"text\","
		     "\"cache_control\":{\"type\":\"ephemeral\"}}]}]}" },
		{ 2, "{\"messages\":[{\"role\":\"user\",\"content\":\"ho\"}]}" },
		/* two texts are not one */
		{ 5, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"h\"},{\"text\":\"i\"}]}]}" },
		/* an image counts where there are no words: clients drop it from later turns */
		{ 1, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"},"
		     "{\"image_url\":{\"url\":\"data:a\"}}]}]}" },
		{ 6, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"image_url\":{\"url\":\"data:a\"}}]},"
		     "{\"role\":\"user\",\"content\":\"hi\"}]}" },
		{ 7, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":"
		     "{\"type\":\"base64\",\"data\":\"b\"}}]}]}" },
		/* OpenAI responses */
		{ 1, "{\"instructions\":\"be kind\",\"input\":\"hi\"}" },
		{ 1, "{\"instructions\":\"be kind\",\"input\":[{\"role\":\"user\",\"content\":"
		     "[{\"type\":\"input_text\",\"text\":\"hi\"}]},{\"type\":\"function_call\"}]}" },
		/* Anthropic messages; what is a tool's result is nobody's words */
		{ 1, "{\"system\":[{\"type\":\"text\",\"text\":\"be good\"}],\"messages\":"
		     "[{\"role\":\"user\",\"content\":\"hi\"}]}" },
		{ 1, "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
		     "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"type\":\"text\",\"text\":\"hi\"}]}]}" },
		/* Gemini contents */
		{ 1, "{\"systemInstruction\":{\"parts\":[{\"text\":\"be new\"}]},\"contents\":"
		     "[{\"parts\":[{\"text\":\"hi\"}],\"role\":\"user\"}]}" },
		{ 1, "{\"contents\":[{\"parts\":[{\"text\":\"x\"}],\"role\":\"model\"},{\"parts\":{\"text\":\"hi\"}}]}" },
		/* what clients inject */
		{ 1, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
		     "\"<system-reminder>\\nToday is <b>Monday</b> a\\n</system-reminder>\"},"
		     "{\"type\":\"text\",\"text\":\"hi\"}]}]}" },
		{ 1, "{\"messages\":[{\"role\":\"user\",\"content\":\"<system-reminder>x<\\/system-reminder>\\n\\nhi\\n"
		     "<environment_details>\\n# Time\\n10:01\\n</environment_details>\"}]}" },
		{ 1, "{\"messages\":[{\"role\":\"user\",\"content\":\"\\u003cproject-files a=\\\"b\\\"\\u003ex"
		     "\\u003c/project-files\\u003e hi\"}]}" },
		{ 1, "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
		     "\"# AGENTS.md instructions for /p\\n\\n<INSTRUCTIONS>x</INSTRUCTIONS>\"}]},"
		     "{\"role\":\"user\",\"content\":\"<environment_context>x</environment_context>\"},"
		     "{\"role\":\"user\",\"content\":\"hi\"}]}" },
		/* which is all that there is */
		{ 8, "{\"messages\":[{\"role\":\"user\",\"content\":\"<system-reminder>x</system-reminder>\"}]}" },
		{ 9, "{\"messages\":[{\"role\":\"user\",\"content\":\"<system-reminder>y</system-reminder>\"}]}" },
		/* what looks like it, and is the user's */
		{ 10, "{\"input\":\"why is <b>hi</b> bold\"}" },
		{ 11, "{\"input\":\"a < b_c\"}" },
		/* UTF-8 as it is, and escaped */
		{ 12, "{\"input\":\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"}" },
		{ 12, "{\"input\":\"gr\\u00fc\\u00DF \\ud83d\\ude00\"}" },
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

static void another_key_and_place(void)
{
	static const uint8_t other[SIPHASH_KEY_BYTES] = { 1 };
	struct text body = TEXT("{\"input\":\"hi\"}"), place = TEXT("host-7");
	char a[40], b[40];

	CHECK(!text_eq(id_of(body, a), id_by(other, TEXT(""), body, b)), "another key");
	CHECK(!text_eq(text_of(a), id_by(key, place, body, b)), "another place");
	CHECK_TEXT(id_by(key, place, body, a), text_of(b), "the same place");
}

/* The value of the signal in a body, "" for none. */
static void signals(void)
{
	static const struct {
		const char *body, *value;
	} table[] = {
		{ "{\"prompt_cache_key\":\"k-1\",\"input\":\"hi\"}", "k-1" },
		{ "{\"messages\":[],\"prompt_cache_key\":\"k-1\"}", "k-1" },
		{ "{\"conversation\":\"conv_1\",\"prompt_cache_key\":\"k\"}", "conv_1" },
		{ "{\"prompt_cache_key\":\"k\",\"conversation\":{\"id\":\"conv_1\"}}", "conv_1" },
		{ "{\"metadata\":{\"session_id\":\"s\",\"conversation_id\":\"c\"}}", "c" },
		{ "{\"metadata\":{\"user_id\":\"user_ab_account_cd_session_0a-1\"}}", "0a-1" },
		{ "{\"metadata\":{\"user_id\":\"{\\\"device_id\\\":\\\"d\\\",\\\"session_id\\\":\\\"0a-2\\\"}\"}}", "0a-2" },
		{ "{\"metadata\":{\"user_id\":\"me\"},\"session_id\":\"s\"}", "s" },
		/* unfit ones are passed over */
		{ "{\"conversation\":\"a b\",\"prompt_cache_key\":\"k\"}", "k" },
		{ "{\"conversation\":\"\",\"session_id\":\"grÃ¼\"}", "" },
		{ "{\"tools\":[{\"session_id\":\"s\"}],\"safety_identifier\":\"u\"}", "" },
		{ "{\"session_id\":\"s\"", "" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char memory[VALUE_BYTES_MAX + 1];
		struct conversation conversation;
		struct buf value;

		buf_init(&value, memory, sizeof(memory));
		conversation_read(text_of(table[i].body), &conversation, &value);
		CHECK_TEXT(buf_since(&value, 0), text_of(table[i].value), table[i].body);
		CHECK(!conversation.signal == !value.len, table[i].body);
	}
}

static void no_conversation(void)
{
	static const char *const table[] = {
		"", " ", "x", "[]", "{}", "{\"messages\":[]}", "{\"messages\":{}}", "{\"messages\":[1,null]}",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}",
		"{\"messages\":[{\"role\":\"user\"}]}", "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}",
		"{\"messages\":[{\"role\":5,\"content\":\"x\"}]}", "{\"prompt\":\"hi\"}", "a=1&b=2",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi}",
		"{\"messages\":[{\"role\":\"user\",\"content\":",
		"{\"messages\":[{\"role\":\"user\" \"content\":\"hi\"}]}", "{\"input\":5}", "{\"input\"",
		"{\"a\":]}", "{\"a\":}", "{,}", "\xFF\xFE", "{\"a\":tru", "--boundary\r\n", "{\"input\":\"\"}",
	};
	char memory[40];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK(!id_of(text_of(table[i]), memory).len, table[i]);
	CHECK(!id_of((struct text){ "\0{\"input\":\"hi\"}", 15 }, memory).len, "NUL");
}

/* A page, and nothing that can be read in a long way behind it. */
#define GUARD_BYTES ((size_t)100 << 20)
static char *guarded_page(size_t page)
{
	char *memory = mmap(NULL, page + GUARD_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(memory, page, PROT_READ | PROT_WRITE);
	return memory;
}

/* The first piece of a stream: an id as soon as the words are all there, and then the same one. It ends
 * where memory ends. */
static void pieces(void)
{
	static const char *const bodies[] = {
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
		"\"<a-b>x<c></a-b> hi \\\" there\"},{\"role\":\"assistant\"}]}",
		"{\"input\":[{\"role\":\"user\",\"content\":[{\"text\":"
		"\"\\u003ca_b\\u003ex\\u003c\\/a_b\\u003e h\\u0069\"}]},{\"role\":\"user\"}]}",
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = guarded_page(page), whole[40], part[40];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct text body = text_of(bodies[i]);
		bool seen = false;

		id_of(body, whole);
		for (size_t len = 0; len <= body.len; len++) {
			char *at = memory + page - len;
			struct text id;

			memcpy(at, body.ptr, len);
			id = id_of((struct text){ at, len }, part);
			CHECK(id.len || !seen, "once there, it stays");
			CHECK(!id.len || text_eq(id, text_of(whole)), "the same");
			seen = id.len > 0;
		}
		CHECK(seen, "the whole");
	}
	munmap(memory, page + GUARD_BYTES);
}

/* The body ends where memory ends, right behind the first message of the user's: whatever is looked
 * at behind it is a crash. */
static void looks_no_further(void)
{
	static const char beginning[] = "{\"tools\":[{\"a\":[1,{}]}],\"messages\":"
					"[{\"role\":\"user\",\"content\":\"hi\"}";
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = guarded_page(page), *body = memory + page - (sizeof(beginning) - 1);
	char id[40], same[40];

	memcpy(body, beginning, sizeof(beginning) - 1);
	CHECK(id_of((struct text){ body, 100 << 20 }, id).len, "said to have 100 MiB");
	CHECK_TEXT(text_of(id), id_of(TEXT("{\"input\":\"hi\"}"), same), "the same beginning");
	munmap(memory, page + GUARD_BYTES);
}

/* A long message counts by its beginning, and by how long it is and how it ends, as far as the page
 * that is looked at. */
static void long_message(void)
{
	static const char beginning[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"";
	size_t size = BODY_BYTES_MAX + 1000;
	char *body = malloc(size), a[40], b[40];

	memset(body, 'x', size);
	memcpy(body, beginning, sizeof(beginning) - 1);
	CHECK(id_of((struct text){ body, size }, a).len, "has an id");
	CHECK_TEXT(id_of((struct text){ body, size - 1 }, b), text_of(a), "the end does not count");
	body[1000] = 'y';
	CHECK(!text_eq(id_of((struct text){ body, size }, b), text_of(a)), "the beginning does");
	memcpy(body + 5000, "\"}]}", 4);
	CHECK(!text_eq(id_of((struct text){ body, 5004 }, a), text_of(b)), "the length does");
	memcpy(body + 4990, "z", 1);
	CHECK(!text_eq(id_of((struct text){ body, 5004 }, b), text_of(a)), "the last words do");
	CHECK(!id_of((struct text){ body, 5000 }, b).len, "a body that is broken");
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
	TEST(reference_vectors), TEST(conversations), TEST(another_key_and_place), TEST(signals), TEST(no_conversation), TEST(pieces),
	TEST(looks_no_further),	 TEST(long_message),  TEST(deep),	 TEST(pointers),
};

SUITE("body", tests)
