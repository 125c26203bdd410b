// SPDX-License-Identifier: MIT
/* What one question to the context service costs: `get TIMES` prints nanoseconds a question, to the
 * service that the environment leads to. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/limits.h"
#include "protocol/client.h"

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	struct client_answer *answer;
	long times = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	double start;

	if (times < 1) {
		fprintf(stderr, "usage: get TIMES\n");
		return 2;
	}
	start = now_ns();
	for (long i = 0; i < times; i++) {
		if (client_ask(TEXT(""), SERVICE_TIMEOUT_MS_MAX, &answer)) {
			fprintf(stderr, "get: no answer\n");
			return 1;
		}
		free(answer);
	}
	printf("%.3f\n", (now_ns() - start) / (double)times);
	return 0;
}
