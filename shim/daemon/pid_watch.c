// SPDX-License-Identifier: MIT
/* A pidfd a scope; where there is none to be had, a look at /proc now and then. */
#include "daemon/pid_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/fdio.h"
#include "daemon/daemon_limits.h"
#include "daemon/proc.h"

struct kept {
	LIST_ENTRY(kept) link;
	struct pid_watch *keeper;
	struct scope *scope;
	struct event *event; /* NULL: looked at by sweeping */
	int pidfd;
};

static void on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct kept *kept = arg;

	kept->keeper->on_gone(kept->keeper->arg, kept->scope);
}

static bool lives(const struct pid_watch *keeper, const struct scope *scope)
{
	struct process process;

	return !keeper->processes.look(keeper->processes.arg, scope->pid, &process) &&
	       process.start == scope->start && !process.has_ended;
}

static void arm_sweep(struct pid_watch *keeper)
{
	const struct timeval interval = { SWEEP_MS / 1000, SWEEP_MS % 1000 * 1000 };

	if (!event_pending(keeper->sweep, EV_TIMEOUT, NULL))
		event_add(keeper->sweep, &interval);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pid_watch *keeper = arg;
	struct kept *kept, *next;

	for (kept = LIST_FIRST(&keeper->swept); kept; kept = next) {
		next = LIST_NEXT(kept, link);
		if (!lives(keeper, kept->scope))
			keeper->on_gone(keeper->arg, kept->scope);
	}
	if (!LIST_EMPTY(&keeper->swept))
		arm_sweep(keeper);
}

int pid_watch_init(struct pid_watch *keeper)
{
	struct rlimit limit;

	LIST_INIT(&keeper->swept);
	keeper->descriptors = keeper->descriptors_max = 0;
	keeper->sweep = evtimer_new(keeper->base, on_sweep, keeper);
	if (!keeper->sweep)
		return -ENOMEM;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	/* The soft limit is for programs that use select(2); this one does not. */
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > DESCRIPTORS_KEPT)
		keeper->descriptors_max = limit.rlim_cur - DESCRIPTORS_KEPT;
	return 0;
}

void pid_watch_release(struct pid_watch *keeper)
{
	if (keeper->sweep)
		event_free(keeper->sweep);
}

static int open_pidfd(struct pid_watch *keeper, struct kept *kept)
{
	int fd;

	if (keeper->descriptors == keeper->descriptors_max)
		return 0;
	fd = process_pidfd(kept->scope->pid);
	if (fd < 0)
		return fd == -ESRCH ? -ESRCH : 0;
	kept->event = event_new(keeper->base, fd, EV_READ, on_pidfd, kept);
	if (!kept->event || event_add(kept->event, NULL)) {
		if (kept->event)
			event_free(kept->event);
		kept->event = NULL;
		fd_close(fd);
		return 0;
	}
	kept->pidfd = fd;
	keeper->descriptors++;
	return 0;
}

int pid_watch_add(struct pid_watch *keeper, struct scope *scope)
{
	struct kept *kept = calloc(1, sizeof(*kept));
	int result;

	if (!kept)
		return -ENOMEM;
	kept->keeper = keeper;
	kept->scope = scope;
	kept->pidfd = -1;
	result = open_pidfd(keeper, kept);
	if (result) {
		free(kept);
		return result;
	}
	scope->keeper = kept;
	if (!kept->event) {
		LIST_INSERT_HEAD(&keeper->swept, kept, link);
		arm_sweep(keeper);
	}
	/* Now that it is held: the number may have changed hands just before. */
	if (lives(keeper, scope))
		return 0;
	pid_watch_remove(keeper, scope);
	return -ESRCH;
}

void pid_watch_remove(struct pid_watch *keeper, struct scope *scope)
{
	struct kept *kept = scope->keeper;

	if (!kept)
		return;
	if (kept->event) {
		event_free(kept->event);
		fd_close(kept->pidfd);
		keeper->descriptors--;
	} else {
		LIST_REMOVE(kept, link);
	}
	scope->keeper = NULL;
	free(kept);
}
