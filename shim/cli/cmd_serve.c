// SPDX-License-Identifier: MIT
/* tagalong serve: the embedded context service. */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>

#include "core/variables.h"
#include "lib/fdio.h"
#include "lib/text.h"
#include "daemon/daemon.h"

/* A day: whoever wants longer wants no --idle-exit. */
#define IDLE_EXIT_SECONDS_MAX 86400

static struct service_options service;
static const char *idle_exit;

static const struct command_option options[] = {
	{ "socket", "PATH", "where to listen", WORD_FILE, .text = &service.socket_path },
	{ "store", "URL",
	  "where scopes are stored: file:[/PATH], memory:, redis[s]://HOST; or @FILE, which holds the URL",
	  .text = &service.store_url },
	{ "verbose", NULL, "print one line on stdout for each event", .flag = &service.verbose },
	{ "json", NULL, "print events and warnings as JSON lines", .flag = &service.json },
	{ "idle-exit", "SECONDS", "exit after this time without scopes and requests",
	  .text = &idle_exit },
	{ "no-pages", NULL, "no shared memory: every request asks over the socket",
	  .flag = &service.no_pages },
	{ 0 },
};

/* A URL may hold a password, which a file can keep from others. */
static const char *store_url(const char *word)
{
	static char memory[4096];
	struct buf url;
	int result;

	if (!word || word[0] != '@')
		return word ? word : "file:";
	buf_init(&url, memory, sizeof(memory));
	result = file_read(AT_FDCWD, word + 1, &url);
	if (result)
		die(EXIT_TROUBLE, "cannot read %s: %s", word + 1, strerror(-result));
	while (url.len && strchr(" \t\r\n", url.data[url.len - 1]))
		buf_cut(&url, url.len - 1);
	return memory;
}

static int run(const struct command *command, int argc, char **argv)
{
	unsigned long seconds;
	int result;

	service.store_url = variable_get(VARIABLE_STORE);
	next_option(command, argc, argv);
	if (idle_exit &&
	    (!text_number(text_of(idle_exit), IDLE_EXIT_SECONDS_MAX, &seconds) || !seconds))
		usage_error(command, "--idle-exit needs 1 to %d seconds, not \"%s\"",
			    IDLE_EXIT_SECONDS_MAX, idle_exit);
	service.idle_exit_seconds = idle_exit ? (unsigned)seconds : 0;
	if (optind < argc)
		usage_error(command, "too many arguments: %s", argv[optind]);
	service.store_url = store_url(service.store_url);
	result = service_run(&service);
	if (result == -EPROTONOSUPPORT)
		return EXIT_USAGE;
	return result ? EXIT_TROUBLE : EXIT_OK;
}

const struct command command_serve = {
	.name = "serve",
	.operands = "",
	.summary = "Run the context service for the programs of this user.",
	.options = options,
	.about =
		"The socket is TAGALONG_SOCKET, else $XDG_RUNTIME_DIR/tagalong/context.sock. "
		"tagalong run starts the service if it is not running; systemd can start it on "
		"demand: systemctl --user enable --now tagalong.socket\n\n"
		"Scopes outlive the service in a database: with file: it is "
		"$XDG_STATE_HOME/tagalong/context.db, with file:/PATH another one. With memory: they "
		"end with it. With redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] (rediss:// for TLS; "
		"Valkey as well) named scopes and the default one are shared by all machines that "
		"name the same store; ?prefix=, cacert=, cert= and key= may follow. Without --store "
		"it is TAGALONG_STORE, else file:.\n\n"
		"The protocol is in docs/protocol.md and tagalong-protocol(7): any other program "
		"may implement it.",
	.examples = "tagalong serve --verbose",
	.run = run,
};
