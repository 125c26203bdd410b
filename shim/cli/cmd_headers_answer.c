// SPDX-License-Identifier: MIT
/* The core's answer, for those who cannot use a library of C. */
#include "cli/cmd_headers.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/limits.h"
#include "core/variables.h"

enum tag_verdict headers_build(const struct tag_request *request, struct tag_lines **ret_lines)
{
	*ret_lines = NULL;
	return variable_is_on(VARIABLE_OFF) ? TAG_NO_RELAY : tag_build(request, ret_lines);
}

cJSON *headers_object(enum tag_verdict verdict, const struct tag_lines *lines)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *headers = cJSON_AddArrayToObject(root, "headers");

	cJSON_AddBoolToObject(root, "matched", verdict == TAG_MATCH || verdict == TAG_REFUSED);
	if (verdict == TAG_REFUSED)
		cJSON_AddBoolToObject(root, "refused", true);
	for (size_t i = 0; lines && i < lines->count; i++) {
		const struct tag_line *line = &lines->line[i];
		cJSON *header;
		char name[NAME_BYTES_MAX + 1];

		/* Who asks here can only add. */
		if (line->replaces)
			continue;
		memcpy(name, line->name.ptr, line->name.len);
		name[line->name.len] = '\0';
		header = cJSON_CreateObject();
		cJSON_AddStringToObject(header, "name", name);
		cJSON_AddStringToObject(header, "value", line->line.ptr + line->name.len + 2);
		cJSON_AddItemToArray(headers, header);
	}
	return root;
}
