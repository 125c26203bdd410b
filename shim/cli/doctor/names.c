// SPDX-License-Identifier: MIT
/*
 * Names of relays, asked of the system's resolver by threads that glibc makes. A resolver that
 * nobody answers takes minutes; its threads end with this process.
 */
#include "cli/doctor/names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "core/relay.h"

/* All of a rule's patterns, twice; what is beyond is not asked for. */
#define NAMES_MAX 64
#define NAMES_SECONDS 2
/* RFC 1035: 255. */
#define NAME_BYTES 256

/* The resolver's threads look at it for as long as they live, so it is not given back. */
static struct {
	size_t count;
	cJSON *row[NAMES_MAX];
	char host[NAMES_MAX][NAME_BYTES];
	struct gaicb query[NAMES_MAX];
} names;

static bool is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

void names_ask(struct text pattern, cJSON *row)
{
	struct gaicb *list[1] = { &names.query[names.count] };
	char *host = names.host[names.count];
	struct relay relay;
	const char *reason;

	if (names.count == NAMES_MAX || relay_parse(pattern, &relay, &reason) ||
	    relay.everything || relay.below || relay.host.len >= NAME_BYTES)
		return;
	snprintf(host, NAME_BYTES, "%.*s", (int)relay.host.len, relay.host.ptr);
	if (is_address(host))
		return;
	*list[0] = (struct gaicb){ .ar_name = host };
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL))
		return;
	names.row[names.count++] = row;
}

/* False when all have an answer, or the time is over. */
static bool wait_for_one(const struct timespec *deadline)
{
	const struct gaicb *pending[NAMES_MAX];
	struct timespec now, left;
	int count = 0;

	for (size_t i = 0; i < names.count; i++) {
		if (gai_error(&names.query[i]) == EAI_INPROGRESS)
			pending[count++] = &names.query[i];
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	left.tv_sec = deadline->tv_sec - now.tv_sec;
	left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_sec--;
		left.tv_nsec += 1000000000;
	}
	if (!count || left.tv_sec < 0)
		return false;
	gai_suspend(pending, count, &left);
	return true;
}

/* The fault of a row with several hosts is that of the first. */
static void tell(cJSON *row, const char *host, int error)
{
	char fault[NAME_BYTES + 128];

	if (!error && !cJSON_HasObjectItem(row, "reachable"))
		cJSON_AddTrueToObject(row, "reachable");
	if (!error || cJSON_HasObjectItem(row, "fault"))
		return;
	if (error == EAI_INPROGRESS)
		snprintf(fault, sizeof(fault), "nobody says within %d s whether there is a name %s",
			 NAMES_SECONDS, host);
	else
		snprintf(fault, sizeof(fault), "the name %s is not known here: %s", host,
			 gai_strerror(error));
	cJSON_DeleteItemFromObject(row, "reachable");
	cJSON_AddFalseToObject(row, "reachable");
	cJSON_AddStringToObject(row, "fault", fault);
}

void names_wait(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += NAMES_SECONDS;
	while (wait_for_one(&deadline))
		;
	for (size_t i = 0; i < names.count; i++)
		tell(names.row[i], names.host[i], gai_error(&names.query[i]));
}
