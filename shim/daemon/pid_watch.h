/* SPDX-License-Identifier: MIT */
/* Looks after the processes that have scopes, and reports when one has ended. */
#pragma once

#include <event2/event.h>
#include <sys/queue.h>

#include "daemon/scopes.h"

struct watched;

struct pid_watch {
	struct event_base *base;
	struct process_table processes;
	void (*on_gone)(void *arg, struct scope *scope);
	void *arg;
	/* set by pid_watch_init */
	struct event *sweep;
	LIST_HEAD(watched_list, watched) swept; /* those without a pidfd */
	size_t descriptors, descriptors_max;
};

/* The first four members are set before. 0 or -ENOMEM. */
int pid_watch_init(struct pid_watch *watch);
void pid_watch_release(struct pid_watch *watch);
/* 0, -ESRCH when the process is gone, or -ENOMEM. Sets scope->watch. */
int pid_watch_add(struct pid_watch *watch, struct scope *scope);
/* Also for a scope that was never added. */
void pid_watch_remove(struct pid_watch *watch, struct scope *scope);
