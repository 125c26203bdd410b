/* SPDX-License-Identifier: MIT */
/* Where a configuration can be, and the text of one. */
#ifndef TAGALONG_CORE_CONFIG_PATH_H
#define TAGALONG_CORE_CONFIG_PATH_H

#include <stdbool.h>

#include "lib/buf.h"

/* In the order in which they are looked at. A place that is named is the only one. */
enum config_place {
	CONFIG_NAMED, /* $TAGALONG_CONFIG */
	CONFIG_USER, /* $XDG_CONFIG_HOME/tagalong/config.json, else in ~/.config */
	CONFIG_SYSTEM, /* /etc/tagalong/config.json */
};

/* Appends the path. 0; -ENOENT when the environment names no such place; -EINVAL for a
 * $TAGALONG_CONFIG that is no absolute path; -ENAMETOOLONG. */
int config_path(enum config_place place, struct buf *ret_path);

/* Whether this errno of looking at a place means that nothing is there for this user. With any other
 * one there may be: then it is a bad configuration, because another one may name other relays. */
bool config_is_absent(int result);

/*
 * Appends a configuration's text. 0, or a negative errno; among them -EACCES when everybody may
 * write to it (whoever names the relays says where the metadata goes), -EFBIG, and -EINVAL for what
 * is no regular file.
 */
int config_file_read(const char *path, struct buf *ret_source);

/* For people: "everybody may write to it". */
const char *config_file_reason(int result);

#endif
