// SPDX-License-Identifier: MIT
/* The URL that is remembered: when it is, and when it is not. What libcurl makes of URLs is tested in
 * test_rule; here two stand-ins for it say which of them was asked. */
#include "core/url.h"

#include <errno.h>
#include <stdlib.h>

#include "suite.h"

static unsigned asked;
static const char *host = "one.example";

static CURLU *fake_url(void)
{
	asked++;
	return (CURLU *)&asked;
}

static CURLUcode fake_set(CURLU *url, CURLUPart what, const char *part, unsigned flags)
{
	return part[0] == '!' ? CURLUE_MALFORMED_INPUT : CURLUE_OK;
}

static CURLUcode fake_get(CURLU *url, CURLUPart what, char **part, unsigned flags)
{
	const char *text = what == CURLUPART_HOST ? host :
			   what == CURLUPART_PATH ? "/v1/chat" :
			   what == CURLUPART_PORT ? "443" :
						    "https";

	*part = strdup(text);
	return *part ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
}

static void fake_cleanup(CURLU *url)
{
}

static const struct url_api api = { fake_url, fake_set, fake_get, fake_cleanup, free },
			    other = { fake_url, fake_set, fake_get, fake_cleanup, free };

/* Parses and releases the URL; returns how often libcurl was asked. */
static unsigned count_parses(const struct url_api *by, const char *text, const char *label)
{
	unsigned before = asked;
	struct url url;

	CHECK(!url_parse(by, text, &url), label);
	CHECK_TEXT(url.host, text_of(host), label);
	CHECK_TEXT(url.host_ascii, text_of(host), label);
	CHECK_TEXT(url.path, TEXT("/v1/chat"), label);
	CHECK_TEXT(url.scheme, TEXT("https"), label);
	CHECK(url.port == 443, label);
	url_release(by, &url);
	return asked - before;
}

static void remembered(void)
{
	CHECK(count_parses(&api, "a", "new") == 1, "new");
	CHECK(count_parses(&api, "a", "again") == 0, "again");
	CHECK(count_parses(&api, "ab", "longer") == 1, "longer");
	CHECK(count_parses(&api, "a", "the one before") == 1, "the one before");
	CHECK(count_parses(&other, "a", "another library") == 1, "another library");
	CHECK(count_parses(&other, "a", "again by it") == 0, "again by it");
}

static void forgotten(void)
{
	count_parses(&api, "a", "before");
	url_cache_invalidate();
	host = "two.example"; /* another library's opinion, in the same place */
	CHECK(count_parses(&api, "a", "after") == 1, "after");
	CHECK(count_parses(&api, "a", "after, again") == 0, "after, again");
}

static void refused(void)
{
	struct url url;

	count_parses(&api, "a", "before");
	for (int i = 0; i < 2; i++)
		CHECK(url_parse(&api, "!", &url) == -EINVAL, "refused each time");
	CHECK(count_parses(&api, "a", "what was kept is kept") == 0, "what was kept is kept");
}

/* A copy of ours is not to outlive the host's. */
static void secrets(void)
{
	static const char *const texts[] = { "a?key=1", "user:word@a" };

	for (size_t i = 0; i < 2; i++) {
		CHECK(count_parses(&api, texts[i], texts[i]) == 1, texts[i]);
		CHECK(count_parses(&api, texts[i], texts[i]) == 1, texts[i]);
	}
}

static void too_long(void)
{
	char text[1100];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(count_parses(&api, text, "long") == 1, "long");
	CHECK(count_parses(&api, text, "long again") == 1, "long again");
	text[900] = '\0';
	CHECK(count_parses(&api, text, "shorter") == 1, "shorter");
	CHECK(count_parses(&api, text, "shorter again") == 0, "shorter again");
}

/* Two at a time, as two threads have it: the second is taken apart by itself. */
static void while_taken(void)
{
	struct url first, second;

	count_parses(&api, "a", "before");
	CHECK(!url_parse(&api, "a", &first) && first.cached, "cached");
	CHECK(!url_parse(&api, "a", &second) && !second.cached, "its own");
	CHECK_TEXT(second.host, first.host, "the same");
	url_release(&api, &second);
	CHECK_TEXT(first.host, text_of(host), "still there");
	url_release(&api, &first);
	CHECK(count_parses(&api, "a", "after") == 0, "after");
}

static const struct suite_test tests[] = {
	TEST(remembered), TEST(forgotten), TEST(refused), TEST(secrets), TEST(too_long), TEST(while_taken),
};

SUITE("url", tests)
