// SPDX-License-Identifier: MIT
/* The installation, check by check: what is there, and what is wrong with it. */
#include <arpa/inet.h>
#include <elf.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/doctor/doctor.h"
#include "cli/launch.h"
#include "core/config.h"
#include "core/preset.h"
#include "core/relay.h"
#include "core/rule.h"
#include "core/variables.h"
#include "lib/clock.h"
#include "protocol/client.h"
#include "protocol/socket_path.h"

/* With it, 32-bit programs of x86 run here. */
#define LOADER_32 "/lib/ld-linux.so.2"
/* glibc that scripts/check-exports holds the library to. */
#define GLIBC_WANTED "2.28"

/* Names of relays that are looked up: all of a rule's patterns, twice; the rest is not. */
#define NAMES_MAX 64
#define NAMES_SECONDS 2
/* RFC 1035: 255. */
#define NAME_BYTES 256

/* Look-ups by threads that glibc makes. A resolver that does not answer takes minutes; its
 * threads look at this for as long as the process lives, so it is static. */
static struct {
	size_t count;
	size_t check[NAMES_MAX]; /* index of the relay's check */
	char host[NAMES_MAX][NAME_BYTES];
	struct gaicb query[NAMES_MAX];
} names;

/* `fault` may be NULL. */
__attribute__((format(printf, 4, 5))) static struct check *add(struct installation *all,
							       const char *name, const char *fault,
							       const char *format, ...)
{
	struct check *check;
	char *value = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&value, format, list) < 0)
		die(EXIT_TROUBLE, "out of memory");
	va_end(list);
	all->checks = array_grow(all->checks, all->count, sizeof(*all->checks));
	check = &all->checks[all->count++];
	*check = (struct check){ .name = name, .value = value, .fault = fault };
	return check;
}

/* A library and what it is for, or a fault. */
static void add_library(struct installation *all, const char *name, const char *path,
			struct binary *ret_binary)
{
	if (binary_read(path, ret_binary))
		add(all, name, NULL, "%s (%s, %d bit)", path, binary_machine(ret_binary),
		    ret_binary->is_64 ? 64 : 32);
	else
		add(all, name, "it is not an ELF library", "%s", path);
}

struct others {
	struct installation *all;
	bool has_32;
};

static void on_other_library(void *arg, const char *path)
{
	struct others *others = arg;
	struct binary binary;

	add_library(others->all, "another library", path, &binary);
	others->has_32 |= binary.machine && !binary.is_64;
}

static void check_library(struct installation *all)
{
	struct others others = { .all = all };
	char path[PATH_BYTES_MAX] = "";
	int result = library_path(path);
	struct binary binary;

	if (result) {
		add(all, "library",
		    result == -EINVAL ?
			    "its path has a space or a colon, which LD_PRELOAD cannot hold" :
			    "libtagalong.so was not found beside this program or in ../lib/tagalong",
		    "%s", path[0] ? path : "-");
		return;
	}
	add_library(all, "library", path, &binary);
	library_others(path, on_other_library, &others);
	if (binary.machine == EM_X86_64 && !others.has_32 && !access(LOADER_32, X_OK))
		add(all, "32-bit programs", NULL, "not tagged: no 32-bit library is installed");
}

static void check_configuration(struct installation *all)
{
	const struct config_snapshot *snapshot = config_get(true);
	char line[24] = "";

	switch (snapshot->state) {
	case CONFIG_NONE:
		add(all, "configuration", NULL, "none: only the environment applies");
		break;
	case CONFIG_GOOD:
		add(all, "configuration", NULL, "%s, %zu rules", snapshot->path,
		    snapshot->config->rules_count);
		break;
	case CONFIG_BAD:
		if (snapshot->line)
			snprintf(line, sizeof(line), ":%zu", snapshot->line);
		add(all, "configuration", snapshot->reason, "%s%s", snapshot->path, line)->advice =
			"no request is tagged with it; tagalong config check lists its faults";
		break;
	}
	config_put(snapshot);
}

/* Starts the look-up of a relay's host name for the last check, unless it is an address or
 * stands for many hosts. */
static void resolve(const struct installation *all, struct text pattern)
{
	struct gaicb *list[1];
	unsigned char address[16];
	struct relay relay;
	const char *reason;
	char *host;

	if (names.count == NAMES_MAX || relay_parse(pattern, &relay, &reason) || relay.everything ||
	    relay.below || relay.host.len >= NAME_BYTES)
		return;
	host = names.host[names.count];
	snprintf(host, NAME_BYTES, "%.*s", (int)relay.host.len, relay.host.ptr);
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return;
	list[0] = &names.query[names.count];
	*list[0] = (struct gaicb){ .ar_name = host };
	if (!getaddrinfo_a(GAI_NOWAIT, list, 1, NULL))
		names.check[names.count++] = all->count - 1;
}

/* Waits for the look-ups, two seconds at most. A check with several hosts has the fault of the
 * first. */
static void finish_resolving(struct installation *all)
{
	uint64_t deadline_ms = clock_monotonic_ms() + NAMES_SECONDS * 1000;
	const struct timespec pause = { .tv_nsec = 5000000 };
	bool pending = true;

	/* Not gai_suspend(3): glibc's leaves a pointer into its stack frame to a thread that has
	 * set the result and is about to notify (seen in 2.36). */
	while (pending && clock_monotonic_ms() < deadline_ms) {
		pending = false;
		for (size_t i = 0; i < names.count; i++)
			pending = pending || gai_error(&names.query[i]) == EAI_INPROGRESS;
		if (pending)
			nanosleep(&pause, NULL);
	}
	for (size_t i = 0; i < names.count; i++) {
		struct check *check = &all->checks[names.check[i]];
		int error = gai_error(&names.query[i]);

		if (!error && check->dns == NAME_NOT_ASKED)
			check->dns = NAME_RESOLVES;
		if (!error || check->fault)
			continue;
		check->dns = NAME_FAILS;
		check->fault = error == EAI_INPROGRESS ?
				       text_format("DNS lookup of %s timed out after %d s",
						   names.host[i], NAMES_SECONDS) :
				       text_format("DNS lookup of %s failed: %s", names.host[i],
						   gai_strerror(error));
	}
}

static void add_relay(struct installation *all, struct text pattern)
{
	add(all, "relay", NULL, "%.*s", (int)pattern.len, pattern.ptr);
	resolve(all, pattern);
}

/* Each relay that is named, by the configuration and by the environment. */
static void check_relays(struct installation *all)
{
	const struct config_snapshot *snapshot = config_get(true);
	const struct config *config = snapshot->config;
	struct text named = text_of(variable_get(VARIABLE_RELAYS)), pattern;

	if (!named.len && (!config || !config->rules_count))
		add(all, "relay", NULL, "loopback only (--relay or TAGALONG_RELAYS names others)");
	for (size_t i = 0; config && i < config->rules_count; i++) {
		const struct config_rule *rule = &config->rules[i];
		struct text hosts = preset_hosts(rule->preset), host;

		for (size_t j = 0; j < rule->patterns_count; j++)
			add_relay(all, rule->patterns[j].text);
		if (rule->patterns_count)
			continue;
		add(all, "relay", NULL, "the hosts of preset %.*s", (int)rule->preset.len,
		    rule->preset.ptr);
		while (text_next(&hosts, ',', &host))
			resolve(all, host);
	}
	while (text_next(&named, ',', &pattern))
		add_relay(all, pattern);
	config_put(snapshot);
}

static void on_ignored(void *arg, const char *variable, struct text word, const char *reason)
{
	add(arg, variable, reason, "\"%.*s\" is ignored", (int)word.len, word.ptr);
}

static void check_service(struct installation *all)
{
	struct client_answer *answer = NULL;
	char memory[PATH_BYTES_MAX];
	struct buf path;
	int result;

	buf_init(&path, memory, sizeof(memory));
	if (socket_path(&path)) {
		add(all, "socket", "TAGALONG_SOCKET is not an absolute path, or too long", "-");
		return;
	}
	add(all, "socket", NULL, "%s", memory);
	result = client_ask(text_of(variable_get(VARIABLE_SCOPE)), SERVICE_TIMEOUT_MS, &answer);
	if (!result)
		add(all, "service", NULL, "it answers");
	else if (result == -ENOENT)
		add(all, "service", NULL, "not running (tagalong run starts it when it can)");
	else
		add(all, "service", client_reason(result), "%s",
		    socket_fault(memory) ? socket_fault(memory) : "-");
	if (!result && (answer->reply.shared.is_stale || answer->reply.shared.is_shared))
		add(all, "scope",
		    answer->reply.shared.is_stale ?
			    "the shared store cannot be reached: this is the last state that was read" :
			    NULL,
		    "shared");
	free(answer);
}

static void check_presets(struct installation *all)
{
	const char *named = variable_get(VARIABLE_PRESET);

	add(all, "presets", NULL, "%zu are built in", preset_count());
	if (named && !preset_exists(text_of(named)))
		add(all, "TAGALONG_PRESET", "unknown preset", "%s", named);
}

/* What is left of an installation: the loader reports it at every start of every program. */
static void check_preload(struct installation *all)
{
	const char *list = variable_get_named("LD_PRELOAD");
	char path[PATH_BYTES_MAX];
	struct stat status;
	size_t len;

	add(all, "LD_PRELOAD", NULL, "%s", list ? list : "not set here; tagalong run sets it");
	for (; list && *list; list += len + (list[len] != '\0')) {
		len = strcspn(list, ": ");
		if (!len || len >= sizeof(path) || !memchr(list, '/', len))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)len, list);
		/* $LIB and the like are different in each program. */
		if (!strchr(path, '$') && stat(path, &status))
			add(all, "LD_PRELOAD", "no such file or directory", "%s", path)->advice =
				"unset LD_PRELOAD here, and look where your shell sets it";
	}
}

static void on_variable(void *arg, const char *variable)
{
	const char *value;
	struct text name;
	bool off;

	if (!variable_split(variable, &name, &value))
		return;
	if (!text_starts_with(name, TEXT("TAGALONG_")) && !text_eq(name, TEXT("TRACEPARENT")) &&
	    !text_eq(name, TEXT("TRACESTATE")) && !text_eq(name, TEXT("BAGGAGE")))
		return;
	off = text_eq(name, TEXT("TAGALONG_OFF")) && !strcmp(value, "1");
	add(arg, text_copy(name), off ? "no request is tagged" : NULL, "%s", value);
}

void doctor_installation(struct installation *ret_installation)
{
	*ret_installation = (struct installation){ .checks = NULL };
	add(ret_installation, "version", NULL, TAGALONG_VERSION);
	add(ret_installation, "program", NULL, "%s", program_path()[0] ? program_path() : "-");
	check_library(ret_installation);
	add(ret_installation, "glibc",
	    strverscmp(gnu_get_libc_version(), GLIBC_WANTED) < 0 ? "glibc " GLIBC_WANTED
								   " or newer is needed" :
								   NULL,
	    "%s", gnu_get_libc_version());
	check_configuration(ret_installation);
	check_relays(ret_installation);
	check_presets(ret_installation);
	rule_check_environment(on_ignored, ret_installation);
	check_service(ret_installation);
	check_preload(ret_installation);
	variables_scan(on_variable, ret_installation);
	finish_resolving(ret_installation);
}
