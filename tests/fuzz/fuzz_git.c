// SPDX-License-Identifier: MIT
/* A repository's .git/config, which anybody may have written, and the name that is made of its url. */
#include "fuzz.h"

#include "lib/limits.h"
#include "core/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text config = { (const char *)data, size }, url, name;
	char memory[URL_BYTES_MAX + 1];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	if (!git_config_origin(config, &buf, &url))
		return 0;
	CHECK(!buf.full && url.len <= URL_BYTES_MAX);
	name = git_url_name(url);
	CHECK(name.len <= url.len && text_find(name, '/') < 0);
	return 0;
}
