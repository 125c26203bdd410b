// SPDX-License-Identifier: MIT
/*
 * What a derived conversation id costs, by the length of the conversation. Prints nanoseconds for
 *   body derive N BYTES    the id of a conversation whose turns come to so many bytes
 *   body pointer N BYTES   a value that stands behind them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/limits.h"
#include "core/conversation.h"
#include "lib/json.h"

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct text make_body(size_t bytes)
{
	static const char beginning[] =
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a careful "
		"assistant.\"},{\"role\":\"user\",\"content\":\"Why is the sky blue?\"}";
	static const char turn[] = ",{\"role\":\"assistant\",\"content\":\"It scatters.\"},"
				   "{\"role\":\"user\",\"content\":\"More, please.\"}";
	static const char end[] = "],\"metadata\":{\"task_id\":\"T-42\"}}";
	char *body = malloc(bytes + sizeof(beginning) + sizeof(turn) + sizeof(end));
	size_t len = sizeof(beginning) - 1;

	if (!body)
		exit(1);
	memcpy(body, beginning, len);
	while (len < bytes) {
		memcpy(body + len, turn, sizeof(turn) - 1);
		len += sizeof(turn) - 1;
	}
	memcpy(body + len, end, sizeof(end) - 1);
	return (struct text){ body, len + sizeof(end) - 1 };
}

int main(int argc, char **argv)
{
	static const uint8_t key[SIPHASH_KEY_BYTES] = { 42 };
	long times = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	struct conversation conversation;
	struct text body;
	double start;

	if (times < 1) {
		fprintf(stderr, "usage: body derive|pointer TIMES BYTES\n");
		return 2;
	}
	body = make_body(strtoul(argv[3], NULL, 10));
	start = now_ns();
	for (long i = 0; i < times; i++) {
		char memory[VALUE_BYTES_MAX + 1];
		struct buf buf;

		buf_init(&buf, memory, sizeof(memory));
		if (!strcmp(argv[1], "derive")) {
			conversation_read(body, &conversation, &buf);
			conversation_id_add(&buf, key, conversation.words, TEXT("place"));
		} else
			json_pointer(body, TEXT("/metadata/task_id"), &buf);
		__asm__ volatile("" : : "r"(memory) : "memory");
	}
	printf("%.3f\n", (now_ns() - start) / (double)times);
	free((char *)body.ptr);
	return 0;
}
