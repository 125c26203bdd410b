// SPDX-License-Identifier: MIT
/* tagalong log: the requests that TAGALONG_LOG, or the configuration's "log", has collected: one
 * row for each, or one for each task, conversation, project or command. The file may hold anything;
 * what is shown of it is made printable. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/print_json.h"
#include "core/variables.h"
#include "lib/hash_index.h"

/* How often --follow looks. */
#define FOLLOW_NS 200000000
/* The year 9999; a time beyond it is an error in the file. */
#define SECONDS_MAX 253402300799.0
/* Longer ago than any request. */
#define SECONDS_AGO_MAX (100 * 366 * 86400UL)

#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define REQUEST_ROW "%-19s  %-12s  %-24s  %-24s  %-20s  %s"
#define GROUP_ROW "%8s  %-19s  %-19s  %s"

/* What requests may be counted by, and the member of a log entry that it is. */
static const char *const by_words[][2] = { { "task", "task_id" },
					   { "conversation", "conversation_id" },
					   { "project", "project_id" },
					   { "command", "command" } };

#define BY_WORDS (sizeof(by_words) / sizeof(by_words[0]))

/* The requests with one value. */
struct group {
	struct index_entry by_value;
	STAILQ_ENTRY(group) link;
	char *value;
	unsigned long requests;
	double first, last;
};

struct log {
	char path[PATH_BYTES_MAX];
	const char *by; /* the member to count by; NULL: a row for each request */
	bool json, follow, colour;
	bool head_printed;
	double since;
	size_t invalid; /* lines that are no entry */
	STAILQ_HEAD(groups, group) groups; /* in the order of their first request */
	struct index by_value; /* all of them */
};

const char *log_by_word(size_t index)
{
	return index < BY_WORDS ? by_words[index][0] : NULL;
}

/* "90s", "15m", "2h", "3d": so long ago. "2026-11-25", "2026-11-25 14:30", with T too: local
 * time. */
static bool parse_since(const char *text, double *ret_seconds)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S" };
	uint64_t seconds;

	if (strpbrk(text, "smhd") && parse_duration(text_of(text), SECONDS_AGO_MAX, &seconds)) {
		*ret_seconds = (double)time(NULL) - (double)seconds;
		return true;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm local = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &local);

		if (end && !*end) {
			*ret_seconds = (double)mktime(&local);
			return true;
		}
	}
	return false;
}

static const char *member(const cJSON *entry, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(entry, name));

	return text && text[0] ? text : "-";
}

static void format_time(double seconds, char *ret_text, size_t size)
{
	time_t whole = (time_t)seconds;
	struct tm local;

	if (!localtime_r(&whole, &local) || !strftime(ret_text, size, "%F %T", &local))
		snprintf(ret_text, size, "-");
}

static void print_head(struct log *log, const char *text)
{
	if (!log->head_printed)
		printf("%s%s%s\n", log->colour ? BOLD : "", text, log->colour ? PLAIN : "");
	log->head_printed = true;
}

static void print_entry(struct log *log, const cJSON *entry, double seconds)
{
	static const char *const names[] = { "command",	   "task_id", "conversation_id",
					     "project_id", "relay",   "path" };
	char *text[sizeof(names) / sizeof(names[0])] = { NULL }, when[32], line[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		text[i] = make_printable(text_copy(text_of(member(entry, names[i]))));
	format_time(seconds, when, sizeof(when));
	snprintf(line, sizeof(line), REQUEST_ROW, "time", "command", "task", "conversation",
		 "project", "relay");
	print_head(log, line);
	printf(REQUEST_ROW "%s%s%s\n", when, text[0], text[1], text[2], text[3], text[4],
	       log->colour ? DIM : "", strcmp(text[5], "-") ? text[5] : "",
	       log->colour ? PLAIN : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		free(text[i]);
}

static void count_entry(struct log *log, const char *value, double seconds)
{
	struct index_entry *entry = index_first(&log->by_value, index_text_key(text_of(value)));
	struct group *group;

	/* The entry is the first member of its group. */
	while (entry && strcmp(((struct group *)entry)->value, value))
		entry = index_next(entry);
	group = (struct group *)entry;
	if (!group) {
		group = array_grow(NULL, 0, sizeof(*group));
		*group = (struct group){ .value = text_copy(text_of(value)), .first = seconds };
		index_add(&log->by_value, &group->by_value, index_text_key(text_of(value)));
		STAILQ_INSERT_TAIL(&log->groups, group, link);
	}
	group->requests++;
	group->last = seconds;
}

/* The process ends with them. */
static void print_groups(struct log *log)
{
	char first[32], last[32], number[24], line[128];
	struct group *group;

	STAILQ_FOREACH(group, &log->groups, link) {
		if (log->json) {
			cJSON *object = cJSON_CreateObject();

			cJSON_AddStringToObject(object, log->by, group->value);
			cJSON_AddNumberToObject(object, "requests", (double)group->requests);
			cJSON_AddNumberToObject(object, "first", group->first);
			cJSON_AddNumberToObject(object, "last", group->last);
			print_json(object, cJSON_PrintUnformatted);
		} else {
			format_time(group->first, first, sizeof(first));
			format_time(group->last, last, sizeof(last));
			snprintf(number, sizeof(number), "%lu", group->requests);
			snprintf(line, sizeof(line), GROUP_ROW, "requests", "first", "last",
				 log->by);
			print_head(log, line);
			printf(GROUP_ROW "\n", number, first, last, make_printable(group->value));
		}
	}
}

/* Complete lines only: the rest of one that is being written is there the next time. */
static void read_entries(struct log *log, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, file)) > 0) {
		cJSON *entry, *when;
		double seconds;

		if (line[len - 1] != '\n') {
			fseeko(file, -(off_t)len, SEEK_CUR);
			break;
		}
		entry = cJSON_Parse(line);
		when = cJSON_GetObjectItem(entry, "time");
		seconds = cJSON_IsNumber(when) ? cJSON_GetNumberValue(when) : -1;
		/* A number such as 1e400 is infinite, which is no time_t. */
		if (!(seconds >= 0 && seconds <= SECONDS_MAX)) {
			log->invalid++;
		} else if (seconds >= log->since && log->by) {
			count_entry(log, member(entry, log->by), seconds);
		} else if (seconds >= log->since && log->json) {
			print_json(entry, cJSON_PrintUnformatted);
			entry = NULL;
		} else if (seconds >= log->since) {
			print_entry(log, entry, seconds);
		}
		cJSON_Delete(entry);
	}
	clearerr(file);
	free(line);
	fflush(stdout);
}

/* Whether the name is another file now, or the file was cut. */
static bool was_replaced(const char *path, FILE *file)
{
	struct stat now, then;

	return !stat(path, &now) && !fstat(fileno(file), &then) &&
	       (now.st_ino != then.st_ino || now.st_dev != then.st_dev ||
		now.st_size < ftello(file));
}

static void follow(struct log *log, FILE *file)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_NS };

	while (!ferror(stdout)) {
		if (!file)
			file = fopen(log->path, "re");
		if (file)
			read_entries(log, file);
		if (file && was_replaced(log->path, file)) {
			fclose(file);
			file = NULL;
			continue;
		}
		nanosleep(&pause, NULL);
	}
	if (file)
		fclose(file);
}

static void show(struct log *log)
{
	FILE *file = fopen(log->path, "re");

	if (!file && !(log->follow && errno == ENOENT))
		die(errno == ENOENT ? EXIT_NOTHING : EXIT_TROUBLE, "cannot read %s: %s", log->path,
		    strerror(errno));
	if (log->follow) {
		follow(log, file);
		return;
	}
	read_entries(log, file);
	fclose(file);
	print_groups(log);
	if (log->invalid)
		report_error("%s: %zu invalid line%s skipped", log->path, log->invalid,
			     log->invalid == 1 ? "" : "s");
}

/* The log that is written to here. */
static void find_log(char path[PATH_BYTES_MAX])
{
	const char *named = variable_get(VARIABLE_LOG);
	struct config_file file;

	path[0] = '\0';
	if (named) {
		if (snprintf(path, PATH_BYTES_MAX, "%s", named) < PATH_BYTES_MAX && path[0] == '/')
			return;
		die(EXIT_NOTHING, "TAGALONG_LOG is not an absolute path, so nothing is logged: %s",
		    named);
	}
	if (config_file_load(NULL, &file) != EXIT_OK)
		exit(EXIT_NOTHING);
	if (file.config && file.config->log.len)
		snprintf(path, PATH_BYTES_MAX, "%.*s", (int)file.config->log.len,
			 file.config->log.ptr);
	config_file_release(&file);
	if (!path[0])
		die(EXIT_NOTHING,
		    "no log: TAGALONG_LOG is not set, and the configuration has no \"log\"");
}

static struct log request_log;
static const char *by, *since;

static const struct command_option options[] = {
	{ "follow", NULL, "print new entries as they are written, until interrupted",
	  .flag = &request_log.follow, .letter = 'f' },
	{ "by", "WHAT", "count by task, conversation, project or command", WORD_BY, .text = &by },
	{ "since", "T", "only of the last 90s, 15m, 2h, 3d, or since \"2026-11-25 14:30\"",
	  .text = &since },
	{ "json", NULL, "print one JSON object per line", .flag = &request_log.json },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	const char *terminal = getenv("TERM");
	struct log *log = &request_log;

	next_option(command, argc, argv);
	log->colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && terminal &&
		      strcmp(terminal, "dumb") != 0;
	if (since && !parse_since(since, &log->since))
		usage_error(command,
			    "--since needs 90s, 15m, 2h, 3d, or a date such as 2026-11-25 14:30, "
			    "not \"%s\"",
			    since);
	for (size_t i = 0; by && i < BY_WORDS; i++)
		log->by = strcmp(by_words[i][0], by) ? log->by : by_words[i][1];
	if (by && !log->by)
		usage_error(command,
			    "--by needs task, conversation, project or command, not "
			    "\"%s\"",
			    by);
	if (argc - optind > 1)
		usage_error(command, "at most one file can be given");
	if (log->follow && log->by)
		usage_error(command, "--follow and --by cannot be combined");
	if (argv[optind] &&
	    snprintf(log->path, sizeof(log->path), "%s", argv[optind]) >= (int)sizeof(log->path))
		usage_error(command, "the path is too long");
	STAILQ_INIT(&log->groups);
	if (index_init(&log->by_value))
		die(EXIT_TROUBLE, "out of memory");
	if (!argv[optind])
		find_log(log->path);
	show(log);
	return EXIT_OK;
}

const struct command command_log = {
	.name = "log",
	.operands = "[FILE]",
	.summary = "Show the tagged requests that were logged.",
	.options = options,
	.about = "FILE is $TAGALONG_LOG, else the \"log\" of the configuration. With one of the "
		 "two, a program adds a line for each request that it sends tagged.",
	.examples = "export TAGALONG_LOG=$HOME/tagalong.jsonl\n"
		    "tagalong log --by task --since 1d",
	.word = WORD_FILE,
	.run = run,
};
