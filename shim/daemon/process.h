/* SPDX-License-Identifier: MIT */
/* Processes, as /proc shows them. A pid names nobody for long; with its start time it does. */
#pragma once

#include "lib/buf.h"

#include <sys/types.h>

struct process {
	pid_t pid, parent;
	uint64_t start; /* in clock ticks after boot */
	bool has_ended; /* nobody has waited for it yet */
};

/* Looks a process up: /proc, or a test's table. 0, -ESRCH when there is none, or another negative
 * errno when that cannot be found out. */
typedef int process_lookup_fn(void *arg, pid_t pid, struct process *ret_process);

struct process_table {
	process_lookup_fn *lookup;
	void *arg;
	/* Whether a number that this process calls a pid means the same process here: not for one
	 * of another pid namespace. */
	bool (*shares_pids)(pid_t pid);
};

/* Whether /proc counts processes as the kernel does towards us. In a pid namespace that was entered
 * without mounting /proc anew it does not, and then nothing is read from it. One thread. */
bool process_proc_is_ours(void);

/* A process_lookup_fn; arg is not used. */
int process_lookup(void *arg, pid_t pid, struct process *ret_process);

/* Reads the text of a /proc/PID/stat. False when it is none. */
bool process_parse(struct text stat, struct process *ret_process);

/* As in a process_table. */
bool process_shares_pids(pid_t pid);

/* Now, in the ticks in which processes' starts are given. */
uint64_t process_ticks(void);

/* A descriptor that becomes readable when the process ends, or a negative errno: -ESRCH when it
 * has, -ENOSYS before Linux 5.3. */
int process_pidfd(pid_t pid);
/* The same for the process that connected a Unix socket, even when its number was reused meanwhile.
 * -ENOPROTOOPT before Linux 6.5. */
int process_peer_pidfd(int socket_fd);

/* Appends the id of this boot of the machine. 0 or a negative errno. */
int process_boot_id(struct buf *buf);
