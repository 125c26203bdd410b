// SPDX-License-Identifier: MIT
/* Rows of the log. What is shown comes from a file: control characters become "?". */
#include "cli/cmd_log_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/chars.h"

#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

#define REQUEST_ROW "%-19s  %-12s  %-24s  %-24s  %-20s  %s"
#define GROUP_ROW "%8s  %-19s  %-19s  %s"

/* What rows may be counted by, and the member that it is. */
static const char *const words[][2] = { { "task", "task_id" },
					{ "conversation", "conversation_id" },
					{ "project", "project_id" },
					{ "command", "command" } };

#define WORDS (sizeof(words) / sizeof(words[0]))

const char *log_view_word(size_t index)
{
	return index < WORDS ? words[index][0] : NULL;
}

const char *log_view_by(const char *word)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (!strcmp(words[i][0], word))
			return words[i][1];
	}
	return NULL;
}

static const char *member(const cJSON *record, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(record, name));

	return text && text[0] ? text : "-";
}

/* A copy that a terminal can be given, to be freed. */
static char *visible(const char *text)
{
	char *copy = strdup(text);

	for (char *at = copy; at && *at; at++) {
		if (char_is_control(*at))
			*at = '?';
	}
	return copy;
}

static void format_time(double seconds, char *ret_text, size_t size)
{
	time_t whole = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&whole, &local) || !strftime(ret_text, size, "%F %T", &local))
		snprintf(ret_text, size, "-");
}

static void head(struct log_view *view, const char *text)
{
	if (!view->headed)
		printf("%s%s%s\n", view->colour ? BOLD : "", text, view->colour ? PLAIN : "");
	view->headed = true;
}

static void print_request(struct log_view *view, const cJSON *record)
{
	static const char *const names[] = { "command", "task_id", "conversation_id", "project_id",
					     "relay", "path" };
	char *text[sizeof(names) / sizeof(names[0])], when[32], line[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		text[i] = visible(member(record, names[i]));
	format_time(cJSON_GetNumberValue(cJSON_GetObjectItem(record, "time")), when, sizeof(when));
	snprintf(line, sizeof(line), REQUEST_ROW, "time", "command", "task", "conversation",
		 "project", "relay");
	head(view, line);
	printf(REQUEST_ROW "%s%s%s\n", when, text[0], text[1], text[2], text[3], text[4],
	       view->colour ? DIM : "", strcmp(text[5], "-") ? text[5] : "",
	       view->colour ? PLAIN : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		free(text[i]);
}

static void count(struct log_view *view, const cJSON *record)
{
	double time = cJSON_GetNumberValue(cJSON_GetObjectItem(record, "time"));
	const char *value = member(record, view->by);
	cJSON *group;

	if (!view->groups)
		view->groups = cJSON_CreateArray();
	cJSON_ArrayForEach(group, view->groups)
	{
		cJSON *requests = cJSON_GetObjectItem(group, "requests");

		if (!requests || strcmp(member(group, view->by), value))
			continue;
		cJSON_SetNumberValue(requests, requests->valuedouble + 1);
		cJSON_SetNumberValue(cJSON_GetObjectItem(group, "last"), time);
		return;
	}
	group = cJSON_CreateObject();
	cJSON_AddStringToObject(group, view->by, value);
	cJSON_AddNumberToObject(group, "requests", 1);
	cJSON_AddNumberToObject(group, "first", time);
	cJSON_AddNumberToObject(group, "last", time);
	cJSON_AddItemToArray(view->groups, group);
}

static void print_group(struct log_view *view, const cJSON *group)
{
	char first[32], last[32], number[16], line[128], *value = visible(member(group, view->by));

	format_time(cJSON_GetNumberValue(cJSON_GetObjectItem(group, "first")), first, sizeof(first));
	format_time(cJSON_GetNumberValue(cJSON_GetObjectItem(group, "last")), last, sizeof(last));
	snprintf(number, sizeof(number), "%.0f",
		 cJSON_GetNumberValue(cJSON_GetObjectItem(group, "requests")));
	snprintf(line, sizeof(line), GROUP_ROW, "requests", "first", "last", view->by);
	head(view, line);
	printf(GROUP_ROW "\n", number, first, last, value);
	free(value);
}

static void print_json(const cJSON *record)
{
	char *text = cJSON_PrintUnformatted(record);

	puts(text ? text : "{}");
	cJSON_free(text);
}

void log_view_add(struct log_view *view, const cJSON *record)
{
	if (view->by)
		count(view, record);
	else if (view->json)
		print_json(record);
	else
		print_request(view, record);
}

void log_view_end(struct log_view *view)
{
	const cJSON *group;

	cJSON_ArrayForEach(group, view->groups)
	{
		if (view->json)
			print_json(group);
		else
			print_group(view, group);
	}
	cJSON_Delete(view->groups);
	view->groups = NULL;
}
