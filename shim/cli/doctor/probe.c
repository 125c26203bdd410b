// SPDX-License-Identifier: MIT
/* The relay of doctor --probe, which serves while the command runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/doctor/doctor.h"
#include "cli/launch.h"
#include "core/endpoint.h"
#include "core/preset.h"

#define PROBE_SECONDS 20
#define REQUEST_SECONDS 2
#define LAST_WORDS_MS 20
#define HEAD_BYTES_MAX 65536
#define CHAT "/v1/chat/completions"
#define TASK "tagalong-doctor"
#define PRESET "generic"

struct probe {
	struct event_base *events;
	struct evhttp *relay;
	struct event *child_event, *last_words;
	char base[64]; /* http://127.0.0.1:PORT */
	char url[128];
	char *log_path; /* a file for the request log, which says what heads do not */
	FILE *log; /* NULL: there is none */
	pid_t child; /* 0: it has ended */
	struct probe_report *report;
};

/* By which SDKs and agents learn where their model is: the base URL and a path, or, without one, a
 * key. */
static const struct {
	const char *name, *path;
} sdk_variables[] = {
	{ "OPENAI_BASE_URL", "/v1" },
	{ "OPENAI_API_BASE", "/v1" },
	{ "ANTHROPIC_BASE_URL", "" },
	{ "ANTHROPIC_API_URL", "" },
	{ "GOOGLE_GEMINI_BASE_URL", "" },
	{ "AZURE_OPENAI_ENDPOINT", "" },
	{ "MISTRAL_BASE_URL", "" },
	{ "GROQ_BASE_URL", "" },
	{ "OPENROUTER_BASE_URL", "/v1" },
	{ "OPENROUTER_API_BASE", "/v1" },
	{ "DEEPSEEK_API_BASE", "/v1" },
	{ "LITELLM_PROXY_API_BASE", "/v1" },
	{ "OLLAMA_HOST", "" },
	{ "COPILOT_PROVIDER_BASE_URL", "/v1" },
	{ "OPENAI_API_KEY", NULL },
	{ "ANTHROPIC_API_KEY", NULL },
	{ "GEMINI_API_KEY", NULL },
	{ "GOOGLE_API_KEY", NULL },
	{ "AZURE_OPENAI_API_KEY", NULL },
	{ "MISTRAL_API_KEY", NULL },
	{ "GROQ_API_KEY", NULL },
	{ "OPENROUTER_API_KEY", NULL },
	{ "DEEPSEEK_API_KEY", NULL },
	{ "LITELLM_PROXY_API_KEY", NULL },
	{ "COPILOT_PROVIDER_API_KEY", NULL },
	{ "COPILOT_MODEL", NULL },
};

/* An argument with a place that is filled. */
static char *fill(char *argument, const char *place, const char *text)
{
	const char *at = strstr(argument, place);

	return at ? text_format("%.*s%s%s", (int)(at - argument), argument, text,
				at + strlen(place)) :
		    argument;
}

/* In the child: the library, one task, the relay by all its names; then the command. */
static void exec_command(const struct probe *probe, char **argv)
{
	int null = open("/dev/null", O_RDONLY);
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	/* What the command prints is not part of the report. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	for (size_t i = 0; i < sizeof(sdk_variables) / sizeof(sdk_variables[0]); i++) {
		const char *path = sdk_variables[i].path;
		char *value = path ? text_format("%s%s", probe->base, path) : NULL;

		setenv(sdk_variables[i].name, value ? value : TASK, 1);
		free(value);
	}
	setenv("TAGALONG_RELAYS", probe->base, 1);
	setenv("COPILOT_OFFLINE", "true", 1);
	setenv("TAGALONG_TASK_ID", TASK, 1);
	setenv("TAGALONG_PRESET", PRESET, 1);
	setenv("TAGALONG_ENDPOINTS", "chat", 1);
	setenv("TAGALONG_LOG", probe->log ? probe->log_path : "", 1);
	unsetenv("TAGALONG_OFF");
	for (size_t i = 0; argv[i]; i++)
		argv[i] = fill(fill(argv[i], "{url}", probe->url), "{base}", probe->base);
	launch_hooks();
	launch_fixed_headers(argv[0]);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Once the command has ended: what it left behind may be about to ask. */
static void wait_for_last_words(struct probe *probe, unsigned ms)
{
	const struct timeval limit = { ms / 1000, ms % 1000 * 1000 };

	if (!probe->child)
		event_add(probe->last_words, &limit);
}

/* Counts a request, and notes the names of what was added to the first tagged one. */
static void count_request(struct probe_report *report, struct evhttp_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *path = evhttp_request_get_uri(request);
	const char *task = evhttp_find_header(headers, "X-Task-Id");
	const char *class = endpoint_class_of((struct text){ path, strcspn(path, "?") });
	bool tagged = task && !strcmp(task, TASK);
	struct preset preset;
	char name[NAME_BYTES_MAX + 1];

	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST || !class ||
	    strcmp(class, "chat")) {
		report->other++;
		return;
	}
	report->requests++;
	report->tagged += tagged;
	if (!tagged || report->tagged > 1 || preset_find(TEXT(PRESET), &preset))
		return;
	for (size_t i = 0; i < preset.count; i++) {
		struct text header = preset.headers[i].name;

		snprintf(name, sizeof(name), "%.*s", (int)header.len, header.ptr);
		if (evhttp_find_header(headers, name))
			list_add(&report->headers, name);
	}
}

static void on_request(struct evhttp_request *request, void *arg)
{
	static const char body[] =
		"{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":"
		"\"probe\","
		"\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":"
		"{\"role\":\"assistant\",\"content\":\"ok\"}}]}\n";
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct probe *probe = arg;

	count_request(probe->report, request);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "Connection", "close");
	evbuffer_add(evhttp_request_get_output_buffer(request), body, sizeof(body) - 1);
	evhttp_send_reply(request, HTTP_OK, "OK", NULL);
	wait_for_last_words(probe, LAST_WORDS_MS);
}

static struct bufferevent *on_connection(struct event_base *events, void *arg)
{
	wait_for_last_words(arg, REQUEST_SECONDS * 1000);
	return NULL; /* libevent's own */
}

static void on_child(evutil_socket_t number, short what, void *arg)
{
	struct probe *probe = arg;
	int status;

	if (waitpid(probe->child, &status, WNOHANG) != probe->child)
		return;
	/* What it has started may outlive it, and is in its group. */
	probe->report->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	probe->child = 0;
	wait_for_last_words(probe, LAST_WORDS_MS);
}

static void on_last_words(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(arg);
}

/* False when there is no relay. */
static bool listen_on_loopback(struct probe *probe)
{
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);
	struct evhttp_bound_socket *bound;

	probe->events = event_base_new();
	probe->relay = probe->events ? evhttp_new(probe->events) : NULL;
	if (!probe->relay)
		return false;
	probe->child_event = evsignal_new(probe->events, SIGCHLD, on_child, probe);
	probe->last_words = evtimer_new(probe->events, on_last_words, probe->events);
	bound = evhttp_bind_socket_with_handle(probe->relay, "127.0.0.1", 0);
	if (!bound || !probe->child_event || !probe->last_words ||
	    event_add(probe->child_event, NULL) ||
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size))
		return false;
	evhttp_set_allowed_methods(probe->relay, UINT16_MAX);
	evhttp_set_max_headers_size(probe->relay, HEAD_BYTES_MAX);
	evhttp_set_timeout(probe->relay, REQUEST_SECONDS);
	evhttp_set_bevcb(probe->relay, on_connection, probe);
	evhttp_set_gencb(probe->relay, on_request, probe);
	snprintf(probe->base, sizeof(probe->base), "http://127.0.0.1:%u", ntohs(address.sin_port));
	snprintf(probe->url, sizeof(probe->url), "%s" CHAT, probe->base);
	return true;
}

static void release(struct probe *probe)
{
	if (probe->child_event)
		event_free(probe->child_event);
	if (probe->last_words)
		event_free(probe->last_words);
	if (probe->relay)
		evhttp_free(probe->relay);
	if (probe->events)
		event_base_free(probe->events);
	if (probe->log) {
		unlink(probe->log_path);
		fclose(probe->log);
	}
	free(probe->log_path);
}

/* How the first request that says so came to its conversation id. */
static void read_log(FILE *log, struct probe_report *report)
{
	static const char member[] = "\"conversation_from\":\"";
	char *line = NULL, *value;
	size_t size = 0;

	while (!report->conversation[0] && getline(&line, &size, log) > 0) {
		value = strstr(line, member);
		if (!value)
			continue;
		value += sizeof(member) - 1;
		snprintf(report->conversation, sizeof(report->conversation), "%.*s",
			 (int)strcspn(value, "\""), value);
	}
	free(line);
}

int doctor_probe(char **argv, struct probe_report *ret_report)
{
	const struct timeval limit = { .tv_sec = PROBE_SECONDS };
	struct probe probe = { .report = ret_report };
	const char *folder = getenv("TMPDIR");
	bool started = listen_on_loopback(&probe);
	pid_t group;
	int fd;

	*ret_report = (struct probe_report){ .exit_code = -1 };
	probe.log_path = text_format("%s/tagalong-doctor-XXXXXX", folder ? folder : "/tmp");
	fd = mkostemp(probe.log_path, O_CLOEXEC);
	probe.log = fd < 0 ? NULL : fdopen(fd, "r");
	fflush(stdout);
	group = probe.child = started ? fork() : -1;
	if (!group)
		exec_command(&probe, argv);
	if (group > 0) {
		setpgid(group, group);
		signal(SIGPIPE, SIG_IGN); /* not before, as the command would inherit it */
		event_base_loopexit(probe.events, &limit);
		event_base_dispatch(probe.events);
		kill(-group, SIGKILL);
		if (probe.child)
			waitpid(group, NULL, 0);
	} else {
		report_error("cannot start a relay on 127.0.0.1: %s", strerror(errno));
	}
	if (probe.log)
		read_log(probe.log, ret_report);
	release(&probe);
	return group > 0 ? EXIT_OK : EXIT_TROUBLE;
}
