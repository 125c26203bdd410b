/* SPDX-License-Identifier: MIT */
/* The shared page of the last answer: the next ones are read from it, without a system call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/text.h"
#include "protocol/client.h"

/* Which question was answered. */
struct page_question {
	struct text path; /* of the socket */
	struct text token;
	uint64_t asked_ms; /* clock_monotonic_ms when it was asked, or is */
};

/* What the page says now, if it is for the same question, its service lives, and no scope was
 * opened or ended since. With `fresh`, only if the service was asked within the last second. The
 * answer is to be freed with free(). Thread-safe; nothing of it is left in a forked child. */
bool page_answer(const struct page_question *question, bool fresh,
		 struct client_answer **ret_answer);

/* The same from the page's file, once in a process: the first request of a new one then costs a few
 * system calls and wakes nobody, and the second gets a page that costs none. Nothing is mapped. */
bool page_file_answer(const struct page_question *question, struct client_answer **ret_answer);
/* Whether there is a page that may answer some question, now or later. */
bool page_may_answer(void);
/* Whether page_answer would give the same answer to the question that it gave this one to, with
 * `fresh`. */
bool page_unchanged(const struct client_mark *mark);

/* Whether a page may be asked for: not where the host runs with 0, 1 or 2 closed, because what
 * arrives on a socket would get that number for a moment. */
bool page_welcome(void);

/* Keeps the page that came with an answer, or forgets the one before: `fds` are the scope's page
 * and the service's own, -1 where there is none. Nothing is kept that could shrink, and with
 * that raise a signal in the host. The descriptors stay the caller's. */
void page_keep(const struct page_question *question, const int fds[2], uint32_t generation);
