// SPDX-License-Identifier: MIT
/* A pidfd a scope; where there is none to be had, a look at /proc now and then. */
#include "daemon/pid_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/fdio.h"
#include "daemon/daemon_limits.h"
#include "daemon/pages.h"
#include "daemon/process.h"

struct watched {
	LIST_ENTRY(watched) link;
	struct pid_watch *watch;
	struct scope *scope;
	struct event *event; /* NULL: looked at by sweeping */
	int pidfd;
};

static void end_scope(struct pid_watch *watch, struct scope *scope)
{
	state_end_scope(watch->state, scope, "its process ended");
}

static void on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct watched *watched = arg;

	end_scope(watched->watch, watched->scope);
}

static bool lives(const struct pid_watch *watch, const struct scope *scope)
{
	const struct process_table *processes = &watch->state->processes;
	struct process process;

	return !processes->lookup(processes->arg, scope->pid, &process) &&
	       process.start == scope->start && !process.has_ended;
}

static void arm_sweep(struct pid_watch *watch)
{
	const struct timeval interval = { SWEEP_MS / 1000, SWEEP_MS % 1000 * 1000 };

	if (!event_pending(watch->sweep, EV_TIMEOUT, NULL))
		event_add(watch->sweep, &interval);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pid_watch *watch = arg;
	struct watched *watched, *next;

	for (watched = LIST_FIRST(&watch->swept); watched; watched = next) {
		next = LIST_NEXT(watched, link);
		if (!lives(watch, watched->scope))
			end_scope(watch, watched->scope);
	}
	if (!LIST_EMPTY(&watch->swept))
		arm_sweep(watch);
}

int pid_watch_init(struct pid_watch *watch, struct event_base *base, struct state *state)
{
	struct rlimit limit;

	*watch = (struct pid_watch){ .base = base, .state = state };
	LIST_INIT(&watch->swept);
	watch->sweep = evtimer_new(watch->base, on_sweep, watch);
	if (!watch->sweep)
		return -ENOMEM;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	/* The soft limit is for programs that use select(2); this one does not. */
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > DESCRIPTORS_KEPT)
		watch->descriptors_max = limit.rlim_cur - DESCRIPTORS_KEPT -
					 pages_max() * DESCRIPTORS_PER_PAGE;
	return 0;
}

void pid_watch_release(struct pid_watch *watch)
{
	if (watch->sweep)
		event_free(watch->sweep);
}

int pid_watch_add(struct pid_watch *watch, struct scope *scope)
{
	struct watched *watched = calloc(1, sizeof(*watched));
	int fd = -EMFILE;

	if (!watched)
		return -ENOMEM;
	if (watch->descriptors < watch->descriptors_max)
		fd = process_pidfd(scope->pid);
	if (fd == -ESRCH) {
		free(watched);
		return fd;
	}
	*watched = (struct watched){ .watch = watch, .scope = scope, .pidfd = fd };
	if (fd >= 0)
		watched->event = event_new(watch->base, fd, EV_READ, on_pidfd, watched);
	if (watched->event && !event_add(watched->event, NULL)) {
		watch->descriptors++;
	} else {
		if (watched->event)
			event_free(watched->event);
		watched->event = NULL;
		fd_close(fd);
		LIST_INSERT_HEAD(&watch->swept, watched, link);
		arm_sweep(watch);
	}
	scope->watch = watched;
	/* Checked after the pidfd is open: the pid may have been reused just before. */
	if (lives(watch, scope))
		return 0;
	pid_watch_remove(watch, scope);
	return -ESRCH;
}

void pid_watch_remove(struct pid_watch *watch, struct scope *scope)
{
	struct watched *watched = scope->watch;

	if (!watched)
		return;
	if (watched->event) {
		event_free(watched->event);
		fd_close(watched->pidfd);
		watch->descriptors--;
	} else {
		LIST_REMOVE(watched, link);
	}
	scope->watch = NULL;
	free(watched);
}
