/* SPDX-License-Identifier: MIT */
/* libcurl's types, without the macros that stand in front of its variadic functions. */
#pragma once

#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION /* clients use old options, so we know them */
#include <curl/curl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt
