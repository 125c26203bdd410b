/* SPDX-License-Identifier: MIT */
/* Every bound of the shim in one place, each with the reason for its size. */
#pragma once

/* Added header lines: Azure OpenAI answers 431 to the eleventh custom header. */
#define LINES_MAX 10
/* One header value: far above any id, far below the 8 KiB line limit of servers. */
#define VALUE_BYTES_MAX 1024
/* One JSON or baggage value: the largest that the relays in docs accept whole. */
#define COMPOSED_BYTES_MAX 4096
/* All added lines together: half of the 16 KiB head that servers commonly take. */
#define LINES_BYTES_MAX 8192
/* What a request copies of the environment: every list at its longest still fits. */
#define ENVIRONMENT_BYTES_MAX (4 * LIST_BYTES_MAX)
/* A header name; the longest preset name has 35 characters. */
#define NAME_BYTES_MAX 128
/* The source text of one template. */
#define TEMPLATE_BYTES_MAX 1024
/* Tags of one context: 64 is what W3C baggage obliges everyone to carry. */
#define TAGS_MAX 64
/* The raw text of TAGALONG_TAGS, TRACESTATE, BAGGAGE: 8192 is baggage's own limit. */
#define LIST_BYTES_MAX 8192
/* W3C tracestate: at most 32 list-members. */
#define TRACESTATE_MEMBERS_MAX 32
/* Kilo cuts project ids to their last 100 characters. */
#define PROJECT_ID_BYTES_MAX 100
/* What is read of a .git/config; real ones have a few KiB. */
#define GIT_CONFIG_BYTES_MAX 65536
/* Parent folders looked through for .git: deeper trees than this are loops or jokes. */
#define GIT_PARENTS_MAX 64
/* A project id is believed this long before .git is looked at again. */
#define PROJECT_ID_FRESH_MS 1000
/* How long a request waits for the context service, unless TAGALONG_TIMEOUT_MS says otherwise: a
 * thousand times what it takes, and not yet felt by a person. */
#define SERVICE_TIMEOUT_MS 50
#define SERVICE_TIMEOUT_MS_MAX 10000
/* A path that the shim builds itself (Linux PATH_MAX). */
#define PATH_BYTES_MAX 4096
/* A URL that is matched; longer ones belong to no chat endpoint. */
#define URL_BYTES_MAX 8192
/* One line of debug output: one write, so it has to fit a pipe's atomic size. */
#define LOG_LINE_BYTES_MAX 2048
/* One line of the log: every id at its longest still fits, escaped if it is not all escapes. */
#define LOG_ENTRY_BYTES_MAX 8192
/* The log: some hundred thousand requests. Then no more is written; nobody's disk is filled. */
#define LOG_FILE_BYTES_MAX 67108864
/* Patterns in TAGALONG_RELAYS, and entries in TAGALONG_ENDPOINTS. */
#define RELAYS_MAX 64
/* A configuration file: a person writes a few KiB, a company's generator perhaps a hundred. */
#define CONFIG_BYTES_MAX 262144
/* Its rules, and all of their relay patterns and header rows: looked through for a request one by
 * one, which stays well below the time of sending it. */
#define CONFIG_RULES_MAX 64
#define CONFIG_PATTERNS_MAX 256
#define CONFIG_ROWS_MAX 512
/* Its adopted environment variables. */
#define CONFIG_ADOPTED_MAX 64
/* How long a configuration that was not there, or did not matter, is not looked for again. */
#define CONFIG_REST_MS 1000
/* What is looked at of a request's body: five times what Kilo sends with its first message, tools
 * included, and read in about a millisecond. Who hands one over gives a byte more, where there is
 * one: it shows that the body goes on. */
#define BODY_BYTES_MAX 262144
#define BODY_HEAD_BYTES (BODY_BYTES_MAX + 1)
