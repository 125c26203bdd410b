/* SPDX-License-Identifier: MIT */
/* Processes, as /proc shows them. */
#ifndef TAGALONG_DAEMON_PROC_H
#define TAGALONG_DAEMON_PROC_H

#include "lib/buf.h"
#include "daemon/nearest.h"

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

/* Appends the id of this boot of the machine. 0 or a negative errno. */
int process_boot_id(struct buf *buf);

#endif
