// SPDX-License-Identifier: MIT
/* By the kernel's calls: libc's would be more symbols for the loader to bind at each start. */
#include "lib/quiet.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int signals_block(const struct signal_set *more, struct signal_set *ret_before)
{
	return syscall(SYS_rt_sigprocmask, SIG_BLOCK, more, ret_before, sizeof(*more)) ? -errno : 0;
}

void signals_restore(const struct signal_set *before)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, before, NULL, sizeof(*before));
}

int signals_pending(struct signal_set *ret_pending)
{
	return syscall(SYS_rt_sigpending, ret_pending, sizeof(*ret_pending)) ? -errno : 0;
}

static void let_through(struct signal_set *set, int number)
{
	const unsigned bits = 8 * sizeof(long), at = (unsigned)number - 1;

	set->bits[at / bits] &= ~(1UL << at % bits);
}

static void all_of_host(struct signal_set *ret_set)
{
	/* A fault's own; SIGSYS is also how a sandbox takes over a system call. */
	static const char faults[] = { SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS };

	memset(ret_set, 0xFF, sizeof(*ret_set));
	for (size_t i = 0; i < sizeof(faults); i++)
		let_through(ret_set, faults[i]);
	/* libc's: setuid() in one thread waits until all have had theirs. */
	for (int number = 32; number < SIGRTMIN; number++)
		let_through(ret_set, number);
}

void quiet_begin(struct quiet *ret_quiet)
{
	struct signal_set all;

	all_of_host(&all);
	ret_quiet->blocked = !signals_block(&all, &ret_quiet->before);
}

bool quiet_is_disturbed(const struct quiet *quiet)
{
	struct signal_set pending;
	unsigned long any = 0;

	if (!quiet->blocked || signals_pending(&pending))
		return false;
	for (size_t i = 0; i < sizeof(pending.bits) / sizeof(pending.bits[0]); i++)
		any |= pending.bits[i] & ~quiet->before.bits[i];
	return any != 0;
}

void quiet_end(const struct quiet *quiet)
{
	if (quiet->blocked)
		signals_restore(&quiet->before);
}
