/* SPDX-License-Identifier: MIT */
/* The embedded context service. */
#pragma once

#include <stdbool.h>

struct service_options {
	const char *socket_path; /* NULL: by the environment */
	const char *store_url; /* "file:", "memory:" ... (daemon/store.h) */
	unsigned idle_exit_seconds; /* ends without scopes and connections after this; 0: never */
	bool no_pages; /* no shared memory: every question is answered on the socket */
	bool verbose, json;
};

/* Serves until SIGTERM, SIGINT or SIGHUP, or until idle. Errors are reported on stderr. 0, or a
 * negative errno: -EADDRINUSE when another service has the socket. */
int service_run(const struct service_options *options);
