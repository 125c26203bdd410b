// SPDX-License-Identifier: MIT
/* A plugin that needs libcurl, as PHP's curl.so does; host.c loads it. */
#include "chat.h"

void plugin_chat(void);
void plugin_chat(void)
{
	static const struct api linked = {
		curl_easy_init, curl_easy_setopt, curl_easy_perform, curl_easy_cleanup,
	};

	chat(&linked);
}
