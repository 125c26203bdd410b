/* SPDX-License-Identifier: MIT */
/* tagalong doctor: can a program be tagged, and is the installation sound? Each part fills a
 * struct, and doctor.c prints them as text or as JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/limits.h"

struct list {
	char **item;
	size_t count;
};

/* Appends a copy. */
void list_add(struct list *list, const char *text);

/* What an executable or a library says about itself, read with libelf. */
struct binary {
	bool is_64, is_dynamic, opens_libraries; /* the last: it calls dlopen */
	unsigned machine; /* EM_* of elf.h */
	char interpreter[256]; /* the dynamic loader; empty: none */
	bool needs_libcurl; /* itself, not by another library */
	bool has_libcurl; /* built in */
	bool names_libcurl; /* as a file to be opened */
	bool is_go, is_rust;
	bool is_bun; /* Bun itself, or what it compiled and reads BUN_OPTIONS */
	bool is_old_bun; /* compiled by a Bun of the time before */
};

/* False when it is not an ELF file, or cannot be read. */
bool binary_read(const char *path, struct binary *ret_binary);
/* For people: "x86-64". */
const char *binary_machine(const struct binary *binary);
/* Whether a library's file name is one of libcurl's: libcurl.so.4, libcurl-gnutls.so.4 ... */
bool names_libcurl(const char *file);

/* What is known about programs by their name. */
enum known_kind {
	KNOWN_NOT, /* there is no row */
	KNOWN_PLUGINS, /* a language that loads libcurl for those who want it */
	KNOWN_NODE, /* Node's own HTTP, for which there is a hook */
	KNOWN_PYTHON, /* the same of Python, which may have a libcurl plugin, too */
	KNOWN_AGENT, /* a coding agent that takes a plugin of ours */
	KNOWN_BUN, /* a program of Bun's of which there is more to say */
	KNOWN_OWN_HTTP, /* it has its own HTTP and TLS */
	KNOWN_STARTS, /* it starts other programs, which are tagged */
	KNOWN_ELSEWHERE, /* it has programs started where our environment does not reach */
};

struct known {
	const char *names; /* shell patterns, separated by blanks */
	enum known_kind kind;
	const char *reason;
	const char *advice;
	/* Of KNOWN_PLUGINS and KNOWN_PYTHON: patterns of files below the interpreter's prefix,
	 * or absolute or below the home folder, separated by blanks. */
	const char *plugins;
	/* The same, of bindings that open libcurl by name. */
	const char *bindings;
};

/* The row for a program of this name; NULL when there is none. */
const struct known *known_find(const char *name);
/* Adds the files that exist: plugins that need libcurl, and bindings. `path` is the
 * interpreter's. */
void known_list_files(const struct known *known, const char *path, struct list *ret_plugins,
		      struct list *ret_bindings);

enum program_verdict {
	PROGRAM_NOT_TAGGED,
	PROGRAM_CHILDREN_TAGGED, /* not itself, but what it starts */
	PROGRAM_TAGGED,
};

/* How a program is reached. */
enum program_hook {
	HOOK_NONE,
	HOOK_LINKED, /* linked with the shared libcurl */
	HOOK_PLUGIN, /* loads a plugin that is */
	HOOK_DL, /* opens libcurl by name */
	HOOK_NODE,
	HOOK_BUN,
	HOOK_PYTHON,
	HOOK_AGENT, /* a plugin of ours in a coding agent */
	HOOK_ENV, /* a variable that it reads when it starts */
};

/* What can be found out about a program without starting it. */
struct program_report {
	char path[PATH_BYTES_MAX]; /* what a shell would start */
	struct list scripts; /* on the way to the binary */
	char binary_path[PATH_BYTES_MAX]; /* empty: none was found */
	struct binary binary;
	const char *libc; /* "glibc", "musl", "another"; NULL: none */
	bool setuid, capabilities;
	struct list libcurl, plugins, bindings, missing; /* files */
	enum program_verdict verdict;
	enum program_hook hook; /* of PROGRAM_TAGGED */
	const char *reason, *advice; /* for people; the latter may be NULL */
};

/* False when there is no such program. */
bool doctor_program(const char *command, struct program_report *ret_report);

/* What a program really sends. */
struct probe_report {
	unsigned requests, tagged; /* chat requests that arrived */
	unsigned other; /* requests */
	struct list headers; /* names, of a tagged one */
	char conversation[64]; /* where the client itself says its conversation; empty: nowhere */
	int exit_code; /* -1: a signal, or it did not end in time */
};

/* Starts the command with the library and a small relay on loopback, {url} in its arguments
 * replaced by a chat URL of the relay, and the variables set by which clients find one. Waits 20
 * seconds at most, then ends the command and all that it started. An exit code. */
int doctor_probe(char **argv, struct probe_report *ret_report);

/* One thing that was looked at in the installation. */
struct check {
	const char *name;
	char *value;
	const char *fault; /* NULL: none */
	const char *advice; /* may be NULL */
	enum { NAME_NOT_ASKED, NAME_RESOLVES, NAME_FAILS } dns; /* of a relay's host name */
};

struct installation {
	struct check *checks;
	size_t count;
};

void doctor_installation(struct installation *ret_installation);
