// SPDX-License-Identifier: MIT
/* tagalong log: what TAGALONG_LOG, or the configuration's "log", has collected. */
#include "cli/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/variables.h"
#include "cli/cmd_config_file.h"
#include "cli/cmd_log_view.h"

/* How often --follow looks. */
#define FOLLOW_NS 200000000

struct call {
	char path[PATH_BYTES_MAX];
	struct log_view view;
	bool follow;
	double since;
	size_t bad; /* lines that are no record */
};

/* "90s", "15m", "2h", "3d": so long ago. "2026-11-25", "2026-11-25 14:30", with T too: local
 * time. */
static bool parse_since(const char *text, double *ret_seconds)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S" };
	static const char units[] = "smhd";
	static const unsigned seconds[] = { 1, 60, 3600, 86400 };
	size_t len = strlen(text);
	const char *unit = len > 1 ? strchr(units, text[len - 1]) : NULL;
	unsigned long number;

	if (unit && text_number((struct text){ text, len - 1 }, 1000000, &number)) {
		*ret_seconds = (double)time(NULL) - (double)number * seconds[unit - units];
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

static void take_line(struct call *call, const char *line)
{
	cJSON *record = cJSON_Parse(line);
	const cJSON *when = cJSON_GetObjectItem(record, "time");

	if (!cJSON_IsNumber(when))
		call->bad++;
	else if (cJSON_GetNumberValue(when) >= call->since)
		log_view_add(&call->view, record);
	cJSON_Delete(record);
}

/* Whole lines only: the rest of one that is being written is there the next time. */
static void take_lines(struct call *call, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] != '\n') {
			fseeko(file, -(off_t)len, SEEK_CUR);
			break;
		}
		take_line(call, line);
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

static void follow(struct call *call, FILE *file)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_NS };

	while (!ferror(stdout)) {
		if (!file)
			file = fopen(call->path, "re");
		if (file)
			take_lines(call, file);
		if (file && was_replaced(call->path, file)) {
			fclose(file);
			file = NULL;
			continue;
		}
		nanosleep(&pause, NULL);
	}
	if (file)
		fclose(file);
}

static int show(struct call *call)
{
	FILE *file = fopen(call->path, "re");

	if (!file && !(call->follow && errno == ENOENT)) {
		report_error("%s: %s", call->path, strerror(errno));
		return errno == ENOENT ? EXIT_NOTHING : EXIT_TROUBLE;
	}
	if (call->follow) {
		follow(call, file);
		return EXIT_OK;
	}
	take_lines(call, file);
	fclose(file);
	log_view_end(&call->view);
	if (call->bad)
		report_error("%s: %zu lines are no records", call->path, call->bad);
	return EXIT_OK;
}

/* The log that is in force. An exit code. */
static int find_log(char path[PATH_BYTES_MAX])
{
	const char *named = variable_get(VARIABLE_LOG);
	struct config_file file;
	int code = EXIT_OK;

	path[0] = '\0';
	if (named) {
		if (snprintf(path, PATH_BYTES_MAX, "%s", named) < PATH_BYTES_MAX && path[0] == '/')
			return EXIT_OK;
		report_error("TAGALONG_LOG is no absolute path, so nothing is written");
		return EXIT_NOTHING;
	}
	code = config_file_load(NULL, &file);
	if (code == EXIT_OK && file.config && file.config->log.len)
		snprintf(path, PATH_BYTES_MAX, "%.*s", (int)file.config->log.len,
			 file.config->log.ptr);
	config_file_release(&file);
	if (code == EXIT_OK && !path[0]) {
		report_error("there is no log: TAGALONG_LOG is not set, and the configuration has no "
			 "\"log\"");
		return EXIT_NOTHING;
	}
	return code;
}

static bool wants_colour(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb");
}

enum { OPT_FOLLOW = 1, OPT_BY, OPT_SINCE, OPT_JSON };

static const struct command_option options[] = {
	{ "follow", NULL, "go on with what is added, until it is interrupted", WORD_FREE, OPT_FOLLOW,
	  'f' },
	{ "by", "WHAT", "count by task, conversation, project or command", WORD_BY, OPT_BY, 0 },
	{ "since", "T", "the last 90s, 15m, 2h, 3d; or a date, as \"2026-11-25 14:30\"", WORD_FREE,
	  OPT_SINCE, 0 },
	{ "json", NULL, "one JSON object a line, for programs", WORD_FREE, OPT_JSON, 0 },
	{ 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct call call = { .view = { .colour = wants_colour() } };
	int option, code = EXIT_OK;

	while ((option = next_option(command, argc, argv, &code)) > OPTION_DONE) {
		if (option == OPT_FOLLOW)
			call.follow = true;
		else if (option == OPT_JSON)
			call.view.json = true;
		else if (option == OPT_BY && !(call.view.by = log_view_by(optarg)))
			return usage_error(command, "--by wants task, conversation, project or command, "
						    "not \"%s\"", optarg);
		else if (option == OPT_SINCE && !parse_since(optarg, &call.since))
			return usage_error(command, "--since wants 90s, 15m, 2h, 3d, or a date as "
						    "2026-11-25 14:30, not \"%s\"", optarg);
	}
	if (option == OPTION_DONE)
		return code;
	if (argc - optind > 1)
		return usage_error(command, "at most one file is wanted");
	if (call.follow && call.view.by)
		return usage_error(command, "--follow shows requests as they come, --by counts those "
					    "that are there: one of the two");
	if (argv[optind] && snprintf(call.path, sizeof(call.path), "%s", argv[optind]) >=
				    (int)sizeof(call.path))
		return usage_error(command, "the path is too long");
	code = argv[optind] ? EXIT_OK : find_log(call.path);
	return code == EXIT_OK ? show(&call) : code;
}

const struct command command_log = {
	.name = "log",
	.operands = "[FILE]",
	.summary = "Show the tagged requests that were logged.",
	.options = options,
	.about = "FILE is $TAGALONG_LOG, else what the configuration's \"log\" names. A program that "
		 "runs with one of the two adds a line for each request that it sends tagged.",
	.examples = "export TAGALONG_LOG=$HOME/tagalong.jsonl\n"
		    "tagalong log --by task --since 1d",
	.word = WORD_FILE,
	.run = run,
};
