// SPDX-License-Identifier: MIT
/* The installation, row by row: what is there, and what is wrong with it. */
#include "cli/doctor/self.h"

#include <elf.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "core/variables.h"
#include "protocol/client.h"
#include "cli/library_path.h"
#include "core/config.h"
#include "core/rule.h"
#include "cli/doctor/binary.h"
#include "cli/doctor/names.h"
#include "core/preset.h"
#include "protocol/socket_path.h"

/* With it, 32-bit programs of x86 run here. */
#define LOADER_32 "/lib/ld-linux.so.2"

/* glibc that scripts/check-exports holds the library to. */
#define GLIBC_WANTED "2.28"

static cJSON *add(cJSON *rows, const char *name, const char *value, const char *fault)
{
	cJSON *row = cJSON_CreateObject();

	cJSON_AddStringToObject(row, "name", name);
	cJSON_AddStringToObject(row, "value", value);
	if (fault)
		cJSON_AddStringToObject(row, "fault", fault);
	cJSON_AddItemToArray(rows, row);
	return row;
}

static bool describe_library(const char *path, struct binary *ret_binary, char *ret_text, size_t size)
{
	if (!binary_read(path, ret_binary))
		return false;
	snprintf(ret_text, size, "%s (%s, %d bit)", path, binary_machine(ret_binary),
		 ret_binary->is_64 ? 64 : 32);
	return true;
}

struct others {
	cJSON *rows;
	bool has_32;
};

static void add_other(void *arg, const char *path)
{
	struct others *others = arg;
	char value[PATH_MAX + 64];
	struct binary binary;

	if (!describe_library(path, &binary, value, sizeof(value))) {
		add(others->rows, "another library", path, "it is no library");
		return;
	}
	others->has_32 |= !binary.is_64;
	add(others->rows, "another library", value, NULL);
}

static void add_library(cJSON *rows)
{
	char memory[PATH_MAX] = "", value[PATH_MAX + 64];
	struct others others = { .rows = rows };
	struct binary binary;
	struct buf path;
	int result;

	buf_init(&path, memory, sizeof(memory));
	result = library_path(&path);
	if (result) {
		add(rows, "library", memory[0] ? memory : "-",
		    result == -EINVAL ? "its path has a space or a colon, which LD_PRELOAD cannot hold" :
				"libtagalong.so is not beside this program, nor in ../lib");
		return;
	}
	if (!describe_library(memory, &binary, value, sizeof(value))) {
		add(rows, "library", memory, "it is no library");
		return;
	}
	add(rows, "library", value, NULL);
	library_others(memory, add_other, &others);
	if (binary.machine == EM_X86_64 && !others.has_32 && !access(LOADER_32, X_OK))
		add(rows, "32-bit programs", "not reached: there is no library for them", NULL);
}

static void add_configuration(cJSON *rows)
{
	const struct config_snapshot *snapshot = config_get(true);
	char value[PATH_BYTES_MAX + 32];

	switch (snapshot->state) {
	case CONFIG_NONE:
		add(rows, "configuration", "none: the environment alone", NULL);
		break;
	case CONFIG_GOOD:
		snprintf(value, sizeof(value), "%s, %zu rules", snapshot->path,
			 snapshot->config->rules_count);
		add(rows, "configuration", value, NULL);
		break;
	case CONFIG_BAD:
		snprintf(value, sizeof(value), snapshot->line ? "%s:%zu" : "%s", snapshot->path,
			 snapshot->line);
		cJSON_AddStringToObject(add(rows, "configuration", value, snapshot->reason), "advice",
					"tagalong config check tells more; with it nothing is tagged");
		break;
	}
	config_put(snapshot);
}

static void add_relay(cJSON *rows, struct text pattern)
{
	char value[512];

	snprintf(value, sizeof(value), "%.*s", (int)pattern.len, pattern.ptr);
	names_ask(pattern, add(rows, "relay", value, NULL));
}

static void add_preset_hosts(cJSON *rows, struct text preset)
{
	struct text hosts = preset_hosts(preset), host;
	char value[512];
	cJSON *row;

	snprintf(value, sizeof(value), "the hosts of preset %.*s", (int)preset.len, preset.ptr);
	row = add(rows, "relay", value, NULL);
	while (text_next(&hosts, ',', &host))
		names_ask(host, row);
}

/* Each relay that is named, of the configuration and of the environment. */
static void add_relays(cJSON *rows)
{
	const struct config_snapshot *snapshot = config_get(true);
	const struct config *config = snapshot->config;
	struct text named = text_of(variable_get(VARIABLE_RELAYS)), pattern;
	bool loopback_only = !named.len && (!config || !config->rules_count);

	for (size_t i = 0; config && i < config->rules_count; i++) {
		const struct config_rule *rule = &config->rules[i];

		for (size_t j = 0; j < rule->patterns_count; j++)
			add_relay(rows, rule->patterns[j].text);
		if (!rule->patterns_count)
			add_preset_hosts(rows, rule->preset);
	}
	while (text_next(&named, ',', &pattern))
		add_relay(rows, pattern);
	if (loopback_only)
		add(rows, "relay", "loopback only; --relay or TAGALONG_RELAYS names another", NULL);
	config_put(snapshot);
}

static void on_complaint(void *arg, const char *variable, struct text word, const char *reason)
{
	char value[512];

	snprintf(value, sizeof(value), "\"%.*s\" is passed over", (int)word.len, word.ptr);
	add(arg, variable, value, reason);
}

static void add_service(cJSON *rows)
{
	struct client_answer *answer = NULL;
	char memory[PATH_BYTES_MAX];
	struct buf path;
	int result;

	buf_init(&path, memory, sizeof(memory));
	if (socket_path(&path)) {
		add(rows, "socket", "-", "TAGALONG_SOCKET is no absolute path, or too long");
		return;
	}
	add(rows, "socket", memory, NULL);
	result = client_ask(text_of(variable_get(VARIABLE_SCOPE)), SERVICE_TIMEOUT_MS, &answer);
	free(answer);
	if (!result)
		add(rows, "service", "it answers", NULL);
	else if (result == -ENOENT)
		add(rows, "service", "none; tagalong run starts one where it can", NULL);
	else
		add(rows, "service", socket_fault(memory) ? socket_fault(memory) : "-",
		    client_reason(result));
}

static void add_presets(cJSON *rows)
{
	const char *named = variable_get(VARIABLE_PRESET);
	struct preset preset;
	char value[64];

	snprintf(value, sizeof(value), "%zu are built in", preset_count());
	add(rows, "presets", value, NULL);
	if (named && preset_find(text_of(named), &preset))
		add(rows, "TAGALONG_PRESET", named, "there is no preset of that name");
}

static void on_variable(void *arg, const char *variable)
{
	const char *value;
	struct text name;
	char text[128];

	if (!variable_split(variable, &name, &value))
		return;
	if (!text_starts_with(name, TEXT("TAGALONG_")) && !text_eq(name, TEXT("TRACEPARENT")) &&
	    !text_eq(name, TEXT("TRACESTATE")) && !text_eq(name, TEXT("BAGGAGE")))
		return;
	snprintf(text, sizeof(text), "%.*s", (int)name.len, name.ptr);
	add(arg, text, value,
	    !strcmp(text, "TAGALONG_OFF") && !strcmp(value, "1") ? "nothing is tagged" : NULL);
}

/* What is left of an installation: the loader says so at every start of every program. */
static void add_preload(cJSON *rows)
{
	const char *list = variable_get_named("LD_PRELOAD");
	struct text rest = text_of(list), entry;
	char path[PATH_BYTES_MAX];
	struct stat status;

	if (!list) {
		add(rows, "LD_PRELOAD", "not set here; tagalong run sets it", NULL);
		return;
	}
	add(rows, "LD_PRELOAD", list, NULL);
	while (rest.len) {
		size_t len = 0;

		while (len < rest.len && rest.ptr[len] != ':' && rest.ptr[len] != ' ')
			len++;
		entry = (struct text){ rest.ptr, len };
		rest = text_from(rest, len + 1);
		if (!len || text_find(entry, '/') < 0 || len >= sizeof(path))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)len, entry.ptr);
		/* $LIB and the like are each program's own. */
		if (!strchr(path, '$') && stat(path, &status))
			cJSON_AddStringToObject(add(rows, "LD_PRELOAD", path,
						    "it names a file that is not there"),
						"advice",
						"unset LD_PRELOAD here, and look where your shell sets it");
	}
}

cJSON *doctor_self(void)
{
	char program[PATH_MAX] = "-";
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	cJSON *root = cJSON_CreateObject(), *rows = cJSON_AddArrayToObject(root, "rows");

	if (len > 0)
		program[len] = '\0';
	add(rows, "version", TAGALONG_VERSION, NULL);
	add(rows, "program", program, NULL);
	add_library(rows);
	add(rows, "glibc", gnu_get_libc_version(),
	    strverscmp(gnu_get_libc_version(), GLIBC_WANTED) < 0 ?
		    "glibc " GLIBC_WANTED " or newer is needed" :
		    NULL);
	add_configuration(rows);
	add_relays(rows);
	add_presets(rows);
	rule_check_environment(on_complaint, rows);
	add_service(rows);
	add_preload(rows);
	variables_scan(on_variable, rows);
	names_wait();
	return root;
}
