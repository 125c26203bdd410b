// SPDX-License-Identifier: MIT
/*
 * Templates, and header values made of them: what template_check takes can be expanded, what it
 * refuses cannot, and what is sent is fit for a header.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/limits.h"
#include "core/header_rule.h"
#include "core/header.h"
#include "core/template.h"

static bool lookup(void *arg, struct text name, struct text *ret_value)
{
	struct text value = *(const struct text *)arg;

	*ret_value = value;
	return name.len % 2 && value.len;
}

static void check_value(struct text value)
{
	char memory[3 * VALUE_BYTES_MAX + 2];
	struct buf buf;

	buf_init(&buf, memory, sizeof(memory));
	if (header_value_add(&buf, value, VALUE_BYTES_MAX) != HEADER_OK) {
		CHECK(!buf.len);
		return;
	}
	CHECK(buf.len && buf.len <= VALUE_BYTES_MAX);
	CHECK(buf.data[0] != ' ' && buf.data[buf.len - 1] != ' ');
	for (size_t i = 0; i < buf.len; i++)
		CHECK(buf.data[i] >= ' ' && buf.data[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t first = newline ? (size_t)(newline - data) : size;
	struct text tmpl = { (const char *)data, first };
	struct text value = newline ? text_from((struct text){ (const char *)data, size }, first + 1) :
				      TEXT("v");
	char memory[VALUE_BYTES_MAX + 1];
	struct template_error error = { 0 };
	struct text name;
	struct buf buf;
	int result;

	buf_init(&buf, memory, sizeof(memory));
	result = template_expand(tmpl, lookup, &value, &buf);
	if (template_check(tmpl, placeholder_exists, NULL, &error))
		CHECK(error.offset <= tmpl.len && error.reason[0]);
	else
		CHECK(result != -EINVAL);
	if (result)
		CHECK(!buf.len);
	template_value(tmpl, lookup, &value, &name);
	check_value(value);
	if (!result)
		check_value(buf_since(&buf, 0));
	return 0;
}
