/* SPDX-License-Identifier: MIT */
/* Looks after the processes that have scopes, and tells when one has ended. */
#ifndef TAGALONG_DAEMON_PID_WATCH_H
#define TAGALONG_DAEMON_PID_WATCH_H

#include <event2/event.h>
#include <sys/queue.h>

#include "daemon/nearest.h"

struct kept;

struct keeper {
	struct event_base *base;
	struct process_table processes;
	void (*on_gone)(void *arg, struct scope *scope);
	void *arg;
	/* set by keeper_init */
	struct event *sweep;
	LIST_HEAD(kept_list, kept) swept; /* those without a pidfd */
	size_t descriptors, descriptors_max;
};

/* The first four members are set before. 0 or -ENOMEM. */
int keeper_init(struct keeper *keeper);
void keeper_release(struct keeper *keeper);
/* 0, -ESRCH when the process is gone, or -ENOMEM. Sets scope->keeper. */
int keeper_add(struct keeper *keeper, struct scope *scope);
/* Also for a scope that was never added. */
void keeper_remove(struct keeper *keeper, struct scope *scope);

#endif
