/* SPDX-License-Identifier: MIT */
/* What keeps a host's signal handlers out of the middle of our work. Cancellation is kept out by
 * lib/system.h: none of our system calls is a cancellation point of POSIX. */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* The kernel's set of signals. */
struct signal_set {
	unsigned long bits[_NSIG / 8 / sizeof(long)];
};

/* From begin to end no signal handler of the host's runs in this thread. What a fault raises (SIGSEGV,
 * SIGSYS ...) and what libc itself uses is let through. Short: the host's signals wait. */
struct quiet {
	struct signal_set before;
	bool blocked; /* false: the kernel refused */
};

void quiet_begin(struct quiet *ret_quiet);
/* Whether a signal waits that the host would have been given by now. */
bool quiet_is_disturbed(const struct quiet *quiet);
/* The handlers of what waits run here, and may never return. */
void quiet_end(const struct quiet *quiet);

/* Blocks signals beside those that are; 0 or a negative errno. And the way back. */
int signals_block(const struct signal_set *more, struct signal_set *ret_before);
void signals_restore(const struct signal_set *before);
/* Those that wait for this thread or the process; 0 or a negative errno. */
int signals_pending(struct signal_set *ret_pending);
