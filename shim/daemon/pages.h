/* SPDX-License-Identifier: MIT */
/* Contexts in shared memory, for those who ask again and again (protocol/page.h). One thread: the
 * one that made them, for as long as it lives. */
#pragma once

#include <sys/queue.h>

#include "daemon/scopes.h"
#include "protocol/page.h"

struct page;

struct pages {
	TAILQ_HEAD(page_list, page) all; /* the one that was asked for last is the last */
	/* NULL: there are no pages, and everybody asks on the socket */
	struct control_page *control;
	int control_fd;
	size_t count, max;
	uint64_t shown_revision; /* by all pages */
	const char *socket; /* beside it are the pages' files; NULL: there are none */
};

/* By the limit on descriptors: connections go first, and half of the others are left for pidfds. */
size_t pages_max(void);

/* There are no pages when they are not wanted or cannot be made; the latter is a warning. `socket`
 * is the caller's. */
void pages_init(struct pages *pages, bool wanted, const char *socket);
void pages_release(struct pages *pages);

/* The page of a scope as it is now, made where there is none: a descriptor that is the caller's to
 * close, or a negative errno when there can be none. */
int pages_get(struct pages *pages, const struct scopes *scopes, struct scope *scope);
/* At the end of a turn, before any reply leaves: all pages show what changed. */
void pages_update(struct pages *pages, const struct scopes *scopes);
/* A scope is about to end. */
void pages_scope_ends(struct pages *pages, struct scope *scope);
