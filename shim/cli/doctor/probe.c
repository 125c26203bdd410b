// SPDX-License-Identifier: MIT
/* The relay of doctor --probe. It serves one connection after the other, one request each: a
 * program that is looked at sends few, and waits for its answers. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/doctor/doctor.h"
#include "cli/launch.h"
#include "core/endpoint.h"
#include "core/preset.h"
#include "lib/clock.h"
#include "lib/fdio.h"

#define PROBE_MS 20000
/* A request's head; what is behind it is read and dropped. */
#define HEAD_BYTES_MAX 65536
#define POLL_MS 20
#define CHAT "/v1/chat/completions"
#define TASK "tagalong-doctor"
#define PRESET "generic"

struct probe {
	int fd;
	char base[64]; /* http://127.0.0.1:PORT */
	char url[128];
	char *log; /* a file for the request log, which says what heads do not */
	pid_t child;
	uint64_t deadline_ms;
	struct probe_report *report;
};

static int listen_on_loopback(struct probe *probe)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	probe->fd = fd_socket(AF_INET, SOCK_STREAM);
	if (probe->fd < 0 || bind(probe->fd, (struct sockaddr *)&address, size) < 0 ||
	    listen(probe->fd, 16) < 0 ||
	    getsockname(probe->fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	snprintf(probe->base, sizeof(probe->base), "http://127.0.0.1:%u", ntohs(address.sin_port));
	snprintf(probe->url, sizeof(probe->url), "%s" CHAT, probe->base);
	return 0;
}

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
	setenv("TAGALONG_LOG", probe->log ? probe->log : "", 1);
	unsetenv("TAGALONG_OFF");
	for (size_t i = 0; argv[i]; i++)
		argv[i] = fill(fill(argv[i], "{url}", probe->url), "{base}", probe->base);
	if (launch_hooks() != EXIT_OK)
		_exit(EXIT_TROUBLE);
	if (argv[0]) {
		launch_fixed_headers(argv[0]);
		execvp(argv[0], argv);
	}
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

static bool wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	uint64_t now_ms = clock_monotonic_ms();

	return now_ms < deadline_ms && poll(&poll_fd, 1, (int)(deadline_ms - now_ms)) == 1;
}

/* Reads up to the head's end. False when there is none. */
static bool read_head(int fd, char *head, uint64_t deadline_ms)
{
	size_t len = 0;

	head[0] = '\0';
	while (!strstr(head, "\r\n\r\n")) {
		ssize_t got;

		if (len == HEAD_BYTES_MAX || !wait_for(fd, POLLIN, deadline_ms))
			return false;
		got = recv(fd, head + len, HEAD_BYTES_MAX - len, 0);
		if (got <= 0)
			return false;
		len += (size_t)got;
		head[len] = '\0';
	}
	return true;
}

/* Whether the head has a line of this name. */
static bool has_header(const char *head, struct text name)
{
	char start[NAME_BYTES_MAX + 5];

	snprintf(start, sizeof(start), "\r\n%.*s:", (int)name.len, name.ptr);
	return strcasestr(head, start) != NULL;
}

/* Counts a request, and notes the names of what was added to the first tagged one. */
static void count_request(struct probe_report *report, const char *head)
{
	const char *path = head + strcspn(head, " "), *class;
	bool tagged = strcasestr(head, "\r\nX-Task-Id: " TASK "\r\n") != NULL;
	struct preset preset;
	char name[NAME_BYTES_MAX + 1];

	path += *path == ' ';
	class = endpoint_class_of((struct text){ path, strcspn(path, "? ") });
	if (strncmp(head, "POST ", 5) || !class || strcmp(class, "chat")) {
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
		if (has_header(head, header))
			list_add(&report->headers, name);
	}
}

static void answer(int fd, const char *head)
{
	static const char body[] =
		"{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":"
		"\"probe\","
		"\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":"
		"{\"role\":\"assistant\",\"content\":\"ok\"}}]}\n";
	char reply[1024];
	int len = snprintf(reply, sizeof(reply),
			   "%sHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			   strcasestr(head, "\r\nExpect: 100") ? "HTTP/1.1 100 Continue\r\n\r\n" :
								 "",
			   sizeof(body) - 1, body);

	send(fd, reply, (size_t)len, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
}

static void serve_one(struct probe *probe)
{
	char *head = calloc(1, HEAD_BYTES_MAX + 1), rest[4096];
	int fd = accept4(probe->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uint64_t deadline_ms = clock_monotonic_ms() + 2000;

	if (fd >= 0 && head && read_head(fd, head, deadline_ms)) {
		count_request(probe->report, head);
		answer(fd, head);
		/* A close with bytes unread would be a reset, and the answer lost. */
		while (wait_for(fd, POLLIN, deadline_ms) && recv(fd, rest, sizeof(rest), 0) > 0)
			;
	}
	fd_close(fd);
	free(head);
}

/* Serves until the command has ended, or the time is over. Its exit code, -1 for a signal or no
 * end. */
static int serve_until_end(struct probe *probe)
{
	int status, code = -1;
	bool ended = false;

	while (!ended && clock_monotonic_ms() < probe->deadline_ms) {
		if (wait_for(probe->fd, POLLIN, clock_monotonic_ms() + POLL_MS))
			serve_one(probe);
		ended = waitpid(probe->child, &status, WNOHANG) == probe->child;
	}
	if (ended && WIFEXITED(status))
		code = WEXITSTATUS(status);
	/* What it left behind may be about to ask. */
	while (ended && wait_for(probe->fd, POLLIN, clock_monotonic_ms() + POLL_MS))
		serve_one(probe);
	kill(-probe->child, SIGKILL);
	if (!ended)
		waitpid(probe->child, &status, 0);
	return code;
}

static char *make_log(void)
{
	char *path = text_format("%s/tagalong-doctor-XXXXXX",
				 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	int fd = path ? mkostemp(path, O_CLOEXEC) : -1;

	if (fd < 0) {
		free(path);
		return NULL;
	}
	close(fd);
	return path;
}

/* How the first request that says so came to its conversation id. */
static void read_log(const char *path, struct probe_report *report)
{
	static const char member[] = "\"conversation_from\":\"";
	FILE *file = fopen(path, "re");
	char *line = NULL, *value;
	size_t size = 0;

	while (file && !report->conversation[0] && getline(&line, &size, file) > 0) {
		value = strstr(line, member);
		if (!value)
			continue;
		value += sizeof(member) - 1;
		snprintf(report->conversation, sizeof(report->conversation), "%.*s",
			 (int)strcspn(value, "\""), value);
	}
	free(line);
	if (file)
		fclose(file);
}

int doctor_probe(char **argv, struct probe_report *ret_report)
{
	struct probe probe = { .deadline_ms = clock_monotonic_ms() + PROBE_MS,
			       .report = ret_report };
	int error = listen_on_loopback(&probe);

	*ret_report = (struct probe_report){ .exit_code = -1 };
	probe.log = make_log();
	fflush(stdout);
	if (!error) {
		probe.child = fork();
		error = probe.child < 0 ? -errno : 0;
	}
	if (!error && !probe.child)
		exec_command(&probe, argv);
	if (!error) {
		setpgid(probe.child, probe.child);
		ret_report->exit_code = serve_until_end(&probe);
	}
	fd_close(probe.fd);
	if (probe.log) {
		read_log(probe.log, ret_report);
		unlink(probe.log);
		free(probe.log);
	}
	if (error)
		report_error("cannot start a relay on 127.0.0.1: %s", strerror(-error));
	return error ? EXIT_TROUBLE : EXIT_OK;
}
