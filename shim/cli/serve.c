// SPDX-License-Identifier: MIT
/* tagalong serve: the embedded context service. */
#include "cli/command.h"

#include <getopt.h>

#include "base/text.h"
#include "service/service.h"

/* A day: whoever wants longer wants no --idle-exit. */
#define IDLE_EXIT_SECONDS_MAX 86400

enum { OPT_SOCKET = 256, OPT_IDLE_EXIT, OPT_NO_PAGES, OPT_VERBOSE, OPT_JSON };

static const struct option options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "idle-exit", required_argument, NULL, OPT_IDLE_EXIT },
	{ "no-pages", no_argument, NULL, OPT_NO_PAGES },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct service_options service = { 0 };
	unsigned long seconds;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case OPT_SOCKET:
			service.socket_path = optarg;
			break;
		case OPT_IDLE_EXIT:
			if (!text_number(text_of(optarg), IDLE_EXIT_SECONDS_MAX, &seconds) ||
			    !seconds)
				return usage_error(command, "--idle-exit wants 1 to %d seconds",
						   IDLE_EXIT_SECONDS_MAX);
			service.idle_exit_seconds = (unsigned)seconds;
			break;
		case OPT_NO_PAGES:
			service.no_pages = true;
			break;
		case OPT_VERBOSE:
			service.verbose = true;
			break;
		case OPT_JSON:
			service.json = true;
			break;
		case 'h':
			return print_help(command);
		default:
			return usage_error(command, "\"%s\" is not understood, or wants a value",
					   argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_error(command, "\"%s\" is one argument too many", argv[optind]);
	return service_run(&service) ? EXIT_TROUBLE : EXIT_OK;
}

const struct command command_serve = {
	.name = "serve",
	.arguments = "[--socket PATH] [--verbose] [--json] [--idle-exit SECONDS] [--no-pages]",
	.summary = "Serve the current context to the programs of this user.",
	.help = "  --socket PATH        where to listen; without it TAGALONG_SOCKET, else\n"
		"                       $XDG_RUNTIME_DIR/tagalong/context.sock\n"
		"  --verbose            say on stdout what happens, one line for each event\n"
		"  --json               say it, and warnings, as JSON\n"
		"  --idle-exit SECONDS  end by itself when there was no scope and no question\n"
		"                       for so long\n"
		"  --no-pages           share no memory: every request asks on the socket\n\n"
		"tagalong run starts a service when there is none, and systemd can start one when\n"
		"it is first asked: systemctl --user enable --now tagalong.socket\n"
		"Scopes and their context outlive the service: $XDG_STATE_HOME/tagalong.\n"
		"The protocol is in docs/protocol.md: any other program may serve it.\n",
	.run = run,
};
