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

enum { OPT_SOCKET = 1, OPT_IDLE_EXIT, OPT_NO_PAGES, OPT_STORE, OPT_VERBOSE, OPT_JSON };

static const struct command_option options[] = {
	{ "socket", "PATH", "where to listen", WORD_FILE, OPT_SOCKET, 0 },
	{ "store", "URL",
	  "where scopes are stored: file:[/PATH], memory:, redis[s]://HOST; or @FILE, which holds the URL",
	  WORD_FREE, OPT_STORE, 0 },
	{ "verbose", NULL, "print one line on stdout for each event", WORD_FREE, OPT_VERBOSE, 0 },
	{ "json", NULL, "print events and warnings as JSON lines", WORD_FREE, OPT_JSON, 0 },
	{ "idle-exit", "SECONDS", "exit after this time without scopes and requests", WORD_FREE,
	  OPT_IDLE_EXIT, 0 },
	{ "no-pages", NULL, "no shared memory: every request asks over the socket", WORD_FREE,
	  OPT_NO_PAGES, 0 },
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
	struct service_options service = { .store_url = variable_get(VARIABLE_STORE) };
	unsigned long seconds;
	int option, result;

	while ((option = next_option(command, argc, argv)) != OPTION_END) {
		switch (option) {
		case OPT_SOCKET:
			service.socket_path = optarg;
			break;
		case OPT_IDLE_EXIT:
			if (!text_number(text_of(optarg), IDLE_EXIT_SECONDS_MAX, &seconds) ||
			    !seconds)
				usage_error(command,
					    "--idle-exit needs 1 to %d seconds, not \"%s\"",
					    IDLE_EXIT_SECONDS_MAX, optarg);
			service.idle_exit_seconds = (unsigned)seconds;
			break;
		case OPT_NO_PAGES:
			service.no_pages = true;
			break;
		case OPT_STORE:
			service.store_url = optarg;
			break;
		case OPT_VERBOSE:
			service.verbose = true;
			break;
		case OPT_JSON:
			service.json = true;
			break;
		}
	}
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
