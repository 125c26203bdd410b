/* SPDX-License-Identifier: MIT */
/* The lines of the state file. */
#ifndef TAGALONG_DAEMON_STORE_ROW_H
#define TAGALONG_DAEMON_STORE_ROW_H

#include "lib/buf.h"
#include "daemon/store.h"

/* Appends the first line: what this file is, and the boot that processes' starts count from. */
void store_head_write(struct buf *buf, struct text boot_id);
/* Reads it (without LF); the texts then point into the line. False when it is none. */
bool store_head_read(char *line, size_t len, struct text *ret_boot_id);

void store_row_write(struct buf *buf, const struct store_row *row);
bool store_row_read(char *line, size_t len, struct store_row *ret_row);

#endif
