/* SPDX-License-Identifier: MIT */
/* What keeps a host's cancellation and signal handlers out of the middle of our work. */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* The kernel's set of signals. */
struct signal_set {
	unsigned long bits[_NSIG / 8 / sizeof(long)];
};

/* Around each call that is a cancellation point of POSIX, and nothing else: between them the
 * thread's state is the host's, so a handler that leaves by siglongjmp finds it as it was. */
int cancel_disable(void);
void cancel_restore(int state);

/* From begin to end no signal handler of the host's runs in this thread, and it is not cancelled.
 * What a fault raises (SIGSEGV, SIGSYS ...) and what libc itself uses is let through. Short: the
 * host's signals wait. */
struct quiet {
	struct signal_set before;
	int cancel_state;
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
