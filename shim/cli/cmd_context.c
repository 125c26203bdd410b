// SPDX-License-Identifier: MIT
/* tagalong context: reads and changes the current context, from a shell, a hook, a key binding. */
#include "cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/variables.h"
#include "cli/ask.h"

static const char *scope_word, *ttl;
static bool json;

static const struct command_option options[] = {
	{ "scope", "SCOPE", "a name, pid:N for the scope of that process, or default", WORD_SCOPE,
	  .text = &scope_word },
	{ "ttl", "TIME", "close the named scope after 90s, 30m, 2h, 7d (set and open)",
	  .text = &ttl },
	{ "json", NULL, "print the service's replies as they are (tagalong-protocol(7))",
	  .flag = &json },
	{ 0 },
};

static const struct command_verb verbs[] = {
	{ "get", "[FIELD...]", "print the context here; of one field, only the value", WORD_FIELD },
	{ "set", "FIELD=VALUE...", "change fields; FIELD=- reads the value from stdin", WORD_PAIR },
	{ "unset", "FIELD...", "remove fields", WORD_FIELD },
	{ "list", "", "list all scopes and what each sets", WORD_FREE },
	{ "watch", "", "print the context here, now and after every change", WORD_FREE },
	{ "open", "[FIELD=VALUE...]", "open a scope: --scope NAME or --scope pid:N", WORD_PAIR },
	{ "close", "", "close the scope", WORD_FREE },
	{ 0 },
};

/* One call of the command. */
struct call {
	const struct command *command;
	struct wire_request request;
	bool wanted[FIELD_COUNT]; /* get: the fields to print */
	size_t wanted_count;
	bool stdin_is_read;
	char stdin_value[WIRE_LIST_BYTES_MAX + 2];
	struct ask ask;
};

static void parse_scope(struct call *call)
{
	struct text text = text_of(scope_word);
	unsigned long pid;

	if (text_eq(text, TEXT("default"))) {
		call->request.target = WIRE_DEFAULT;
	} else if (text_starts_with(text, TEXT("pid:"))) {
		if (!text_number(text_from(text, 4), INT_MAX, &pid) || !pid)
			usage_error(call->command, "invalid process id: \"%s\"", scope_word);
		call->request.target = WIRE_PROCESS;
		call->request.pid = (pid_t)pid;
	} else if (wire_name_ok(text)) {
		call->request.target = WIRE_NAMED;
		call->request.scope = text;
	} else {
		usage_error(call->command,
			    "invalid scope \"%s\": it is default, pid:N, or a name of letters, "
			    "digits and ._-:/@+",
			    scope_word);
	}
}

/* Standard input as a value, without one LF at its end. */
static struct text read_stdin(struct call *call)
{
	size_t len;

	if (call->stdin_is_read)
		usage_error(call->command, "only one field can be read from standard input");
	call->stdin_is_read = true;
	len = fread(call->stdin_value, 1, sizeof(call->stdin_value), stdin);
	if (ferror(stdin))
		die(EXIT_TROUBLE, "cannot read standard input: %s", strerror(errno));
	if (len && call->stdin_value[len - 1] == '\n')
		len--;
	return (struct text){ call->stdin_value, len };
}

static void parse_pair(struct call *call, const char *word)
{
	const char *equals = strchr(word, '='), *fault;
	struct text value;
	enum field field;

	if (!equals)
		usage_error(call->command, "%s needs FIELD=VALUE, not \"%s\"",
			    wire_op_name(call->request.op), word);
	field = field_argument(call->command, (struct text){ word, (size_t)(equals - word) });
	value = strcmp(equals, "=-") ? text_of(equals + 1) : read_stdin(call);
	fault = wire_value_error(field, value);
	if (fault)
		usage_error(call->command, "the value of %s %s", field_name(field), fault);
	call->request.value[field] = value;
}

static void parse_argument(struct call *call, const char *word)
{
	enum wire_op op = call->request.op;

	if (op == WIRE_SET || op == WIRE_OPEN) {
		parse_pair(call, word);
	} else if (op == WIRE_UNSET) {
		call->request.unset[field_argument(call->command, text_of(word))] = true;
	} else if (op == WIRE_GET) {
		call->wanted_count++;
		call->wanted[field_argument(call->command, text_of(word))] = true;
	} else {
		usage_error(call->command, "too many arguments: %s", word);
	}
}

static void parse(struct call *call, int argc, char **argv)
{
	enum wire_op op = call->request.op;

	next_option(call->command, argc, argv);
	if (scope_word)
		parse_scope(call);
	if (ttl &&
	    (!parse_duration(text_of(ttl), WIRE_TTL_SECONDS_MAX, &call->request.ttl_seconds) ||
	     !call->request.ttl_seconds))
		usage_error(call->command,
			    "--ttl needs a time such as 90s, 30m, 2h or 7d, of a year at most, "
			    "not \"%s\"",
			    ttl);
	for (int i = optind; i < argc; i++)
		parse_argument(call, argv[i]);
	/* What cannot be meant. */
	if (((op == WIRE_SET && !call->request.ttl_seconds) || op == WIRE_UNSET) && optind == argc)
		usage_error(call->command, "%s needs %s", wire_op_name(op),
			    op == WIRE_SET ? "FIELD=VALUE" : "a field");
	if (call->request.ttl_seconds && op != WIRE_SET && op != WIRE_OPEN)
		usage_error(call->command, "--ttl goes with set or open only");
	/* Its own process would be this one, which ends at once. */
	if ((op == WIRE_OPEN || op == WIRE_CLOSE) && !scope_word)
		usage_error(call->command, "%s needs --scope NAME or --scope pid:N",
			    wire_op_name(op));
}

/* Exactly as it is for a program, and harmless for a terminal. */
static void print_value(struct text value)
{
	char *copy = text_copy(value);

	fputs(isatty(STDOUT_FILENO) ? make_printable(copy) : copy, stdout);
	free(copy);
}

static void print_fields(const struct text value[FIELD_COUNT], const char *separator)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		if (!value[field].len)
			continue;
		printf("%s=", field_name(field));
		print_value(value[field]);
		fputs(separator, stdout);
	}
}

static int print_context(const struct call *call, struct wire_reply *reply)
{
	bool found = !call->wanted_count;

	for (enum field field = 0; field < FIELD_COUNT; field++) {
		struct text *value = &reply->value[field];

		if (call->wanted_count && !call->wanted[field])
			value->len = 0;
		found |= value->len > 0;
		/* One value alone is for a shell's $(...). */
		if (call->wanted_count == 1 && value->len) {
			print_value(*value);
			putchar('\n');
		}
	}
	if (call->wanted_count != 1)
		print_fields(reply->value, "\n");
	return found ? EXIT_OK : EXIT_NOTHING;
}

static int print_scopes(struct text scopes)
{
	struct wire_scope scope;
	int result;

	while ((result = wire_next_scope(&scopes, &scope)) > 0) {
		printf("%-24.*s ", (int)scope.scope.len, scope.scope.ptr);
		if (scope.pid)
			printf("pid=%d ", (int)scope.pid);
		if (scope.parent.len)
			printf("parent=%.*s ", (int)scope.parent.len, scope.parent.ptr);
		if (scope.shared.is_shared)
			printf("(shared%s) ", scope.shared.is_stale ? ", stale" : "");
		if (scope.ttl_seconds)
			printf("(%llus left) ", (unsigned long long)scope.ttl_seconds);
		print_fields(scope.value, " ");
		putchar('\n');
	}
	if (!result)
		return EXIT_OK;
	report_error("invalid reply from the context service: not a list of scopes");
	return EXIT_TROUBLE;
}

/* Reads and understands one reply; with --json it is printed as it came, for good or bad. */
static bool read_reply(struct call *call, unsigned timeout_ms, struct wire_reply *ret_reply,
		       int *ret_code)
{
	size_t len;

	*ret_code = EXIT_TROUBLE;
	if (!ask_line(&call->ask, timeout_ms, &len))
		return false;
	if (json)
		printf("%.*s\n", (int)len, call->ask.line);
	if (!ask_understand(&call->ask, len, ret_reply, ret_code))
		return false;
	if (ret_reply->shared.is_stale && !json)
		report_error(
			"the shared store cannot be reached: this is the last state that was read");
	return true;
}

static int list(struct call *call)
{
	struct wire_reply reply;
	int code;

	while (read_reply(call, ASK_TIMEOUT_MS, &reply, &code)) {
		code = json ? EXIT_OK : print_scopes(reply.scopes);
		if (code != EXIT_OK || !reply.next)
			break;
		if (reply.next <= call->request.after)
			return EXIT_TROUBLE; /* a service that goes round in circles */
		call->request.after = reply.next;
		if (!ask_send(&call->ask, &call->request))
			return EXIT_TROUBLE;
	}
	return code;
}

static int watch(struct call *call)
{
	unsigned timeout_ms = ASK_TIMEOUT_MS;
	struct wire_reply reply;
	int code;

	while (read_reply(call, timeout_ms, &reply, &code)) {
		timeout_ms = ASK_FOREVER;
		if (!json) {
			print_fields(reply.value, "\n");
			putchar('\n');
		}
		if (fflush(stdout))
			return EXIT_OK; /* nobody reads it any more */
	}
	return code;
}

/* What the scope was opened with: an inherited variable of that value does not win. */
static bool is_inherited(struct call *call, enum field field, struct text value)
{
	struct wire_request request = call->request;
	struct wire_reply reply;

	request.op = WIRE_GET;
	return wire_is_trio(field) && ask_exchange(&call->ask, &request, ASK_TIMEOUT_MS, &reply) &&
	       text_eq(reply.opened_with[field], value);
}

/* A variable is nearer to a request than the service is: warn whoever changes the latter. */
static void warn_of_variables(struct call *call)
{
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		const char *value = variable_get_named(field_variable(field));

		if (!call->request.value[field].len || !value ||
		    text_eq(call->request.value[field], text_of(value)) ||
		    is_inherited(call, field, text_of(value)))
			continue;
		report_error("%s is set in this environment, where it overrides what was set now",
			     field_variable(field));
	}
}

static int print_reply(struct call *call)
{
	struct wire_reply reply;
	int code;

	if (!read_reply(call, ASK_TIMEOUT_MS, &reply, &code))
		return code;
	if (call->request.op == WIRE_GET && !json)
		return print_context(call, &reply);
	if (call->request.op == WIRE_OPEN && !json)
		printf("%.*s\n", (int)reply.scope.len, reply.scope.ptr);
	if (call->request.op == WIRE_SET && !scope_word)
		warn_of_variables(call);
	return EXIT_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
	static struct call call; /* large */
	enum wire_op op = 0;
	int code;

	if (argc < 2)
		usage_error(command, "a subcommand is needed");
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return print_help(command);
	}
	call.command = command;
	call.request.target = WIRE_OWN;
	call.request.scope = text_of(variable_get(VARIABLE_SCOPE));
	while (op < WIRE_OP_COUNT && strcmp(argv[1], wire_op_name(op)))
		op++;
	if (op == WIRE_OP_COUNT)
		usage_error(command, "unknown subcommand: %s", argv[1]);
	call.request.op = op;
	parse(&call, argc - 1, argv + 1);
	if (!ask_connect(&call.ask))
		return EXIT_TROUBLE;
	code = !ask_send(&call.ask, &call.request) ? EXIT_TROUBLE :
	       op == WIRE_LIST			   ? list(&call) :
	       op == WIRE_WATCH			   ? watch(&call) :
						     print_reply(&call);
	ask_close(&call.ask);
	return code;
}

const struct command command_context = {
	.name = "context",
	.operands = "[FIELD[=VALUE]...]",
	.summary = "Read or change the current context: task, conversation and so on.",
	.verbs = verbs,
	.options = options,
	.about =
		"Without --scope, it is the scope in which the command is run. The exit code is 1 when "
		"there is no such scope, or the fields asked for have no value; 2 for a bad "
		"call; 3 when the service is not running, or refuses.",
	.examples = "tagalong context set task_id=T-43\n"
		    "git branch --show-current | tagalong context set task_id=-\n"
		    "tagalong context open --scope pid:$$ project_id=billing",
	.run = run,
};
