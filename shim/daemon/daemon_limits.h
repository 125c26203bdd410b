/* SPDX-License-Identifier: MIT */
/* Every bound of the service, each with the reason for its size. */
#pragma once

#include "protocol/protocol_limits.h"

/* Open connections: the descriptors that a process may have by default, on most systems. */
#define CONNECTIONS_MAX 1024
/* Scopes: one for each process of a busy build machine. */
#define SCOPES_MAX 100000
/* Values in all of them: 300 bytes for each of so many, and well within the unit's MemoryMax. */
#define SCOPES_BYTES_MAX (32 * 1024 * 1024)
/* Scopes in each other: as deep as somebody nests `tagalong run`, and a bound on merging. */
#define SCOPE_DEPTH_MAX 64
/* Parents of a process that are looked at: deeper trees are runaway recursions. */
#define ANCESTORS_MAX 256
/* Replies that a connection has not read yet, before its further requests wait: a few lines, so
 * that pipelining works and 1,024 greedy connections still fit in memory. */
#define OUTPUT_BYTES_MAX (2 * WIRE_LINE_BYTES_MAX)
/* The same of all connections together: beyond it, each has one reply on its way. */
#define ALL_OUTPUT_BYTES_MAX (16 * 1024 * 1024)
/* What is read ahead of the line that is answered next. */
#define INPUT_BYTES_MAX 16384
/* From the first byte of a line to its end: nobody types requests, and programs send them whole. */
#define LINE_MS_MAX 10000
/* With all connections taken, one that asked nothing for this long makes space for a new one: else
 * a program that forgets to close its connections would lock out all others. */
#define IDLE_MS_MIN 10000
/* Without pidfds (before Linux 5.3, or too few descriptors) processes are looked at this often. */
#define SWEEP_MS 2000
/* Scopes with a shared page: as many as there are connections, each with two files of up to 64
 * KiB. */
#define PAGES_MAX 1024
/* A page that was not asked for for so long makes space for another: its readers ask once a
 * second. */
#define PAGE_UNUSED_MS 10000
/* Descriptors that are spent on neither pages nor pidfds: connections, each perhaps with a page on
 * its way, files, the loop, and some to spare. */
#define DESCRIPTORS_KEPT (2 * CONNECTIONS_MAX + 64)
/* A page has one of memory, and one of the file beside the socket. */
#define DESCRIPTORS_PER_PAGE 2
/* After an accept(2) that failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_MS 200
/* A state file that could not be written is tried again after this. */
#define STORE_RETRY_MS 5000

/* The shared store. A change is answered within this, or refused: two seconds were promised. */
#define SHARED_ANSWER_MS 1500
/* The store itself refuses what would be answered this close to the deadline. */
#define SHARED_MARGIN_MS 100
/* It is asked for a sign of life this often: a server that is stopped is noticed after this and
 * SHARED_ANSWER_MS. */
#define SHARED_PING_MS 1000
/* Deadlines are looked at this often while there are some. */
#define SHARED_TICK_MS 50
/* Between attempts to connect: longer each time, so that a server that is overloaded gets up
 * again. */
#define SHARED_BACKOFF_MS_MIN 100
#define SHARED_BACKOFF_MS_MAX 2000
/* All names in use are read anew this often: what nobody publishes (FLUSHALL) is seen then. */
#define SHARED_REREAD_MS 30000
/* A name that was not used for so long is no more in use. */
#define SHARED_UNUSED_MS 600000
/* Names in use, existing or not: what a busy build machine has in ten minutes. */
#define SHARED_NAMES_MAX 10000
/* One reply: a scope with all values at their limits, which the script sees to, in JSON. */
#define SHARED_REPLY_BYTES_MAX (256 * 1024)
/* Scopes with a time to live are looked at this often. */
#define EXPIRY_SWEEP_MS 500
