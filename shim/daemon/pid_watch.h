/* SPDX-License-Identifier: MIT */
/* Looks after the processes that have scopes, which end with them. */
#pragma once

#include <event2/event.h>
#include <sys/queue.h>

#include "daemon/state.h"

struct watched;

struct pid_watch {
	struct event_base *base;
	struct state *state;
	struct event *sweep;
	LIST_HEAD(watched_list, watched) swept; /* those without a pidfd */
	size_t descriptors, descriptors_max;
};

/* Before the state is started. Raises the limit on descriptors. 0 or -ENOMEM. */
int pid_watch_init(struct pid_watch *watch, struct event_base *base, struct state *state);
void pid_watch_release(struct pid_watch *watch);
/* 0, -ESRCH when the process is gone, or -ENOMEM. Sets scope->watch. */
int pid_watch_add(struct pid_watch *watch, struct scope *scope);
/* Also for a scope that was never added. */
void pid_watch_remove(struct pid_watch *watch, struct scope *scope);
