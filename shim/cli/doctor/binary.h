/* SPDX-License-Identifier: MIT */
/* What an executable or a library says of itself, read with libelf. */
#ifndef TAGALONG_CLI_DOCTOR_BINARY_H
#define TAGALONG_CLI_DOCTOR_BINARY_H

#include <stdbool.h>

struct binary {
	bool is_64, is_dynamic, opens_libraries; /* the last: it calls dlopen */
	unsigned machine; /* EM_* of elf.h */
	char interpreter[256]; /* the dynamic loader; empty: none */
	bool needs_libcurl; /* itself, not by another library */
	bool has_libcurl; /* built in */
	bool names_libcurl; /* as a file to be opened */
	bool is_go, is_rust;
};

/* False when it is no ELF file, or cannot be read. */
bool binary_read(const char *path, struct binary *ret_binary);
/* For people: "x86-64". */
const char *binary_machine(const struct binary *binary);

/* Whether a library's file name is one of libcurl's: libcurl.so.4, libcurl-gnutls.so.4 ... */
bool names_libcurl(const char *file);

#endif
