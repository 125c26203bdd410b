// SPDX-License-Identifier: MIT
/*
 * The relay of doctor --probe. One connection after the other, one request each: a program that is to
 * be looked at sends few, and waits for its answers.
 */
#include "cli/doctor/probe.h"

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

#include "lib/clock.h"
#include "lib/fdio.h"
#include "lib/text.h"
#include "cli/command.h"
#include "cli/launch.h"

#define PROBE_MS 20000
/* A request's head; what is behind it is read and forgotten. */
#define HEAD_BYTES_MAX 65536
#define POLL_MS 20
#define CHAT "/v1/chat/completions"
#define TASK "tagalong-doctor"

struct probe {
	int fd;
	char base[64]; /* http://127.0.0.1:PORT */
	char url[128];
	pid_t child;
	uint64_t deadline_ms;
	unsigned requests, tagged, other;
	cJSON *headers;
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

/* What the command finds in its environment: the shim, one task, and the relay by all its names. */
static int prepare(const struct probe *probe)
{
	static const char *const bases[] = { "OPENAI_BASE_URL", "OPENAI_API_BASE" };
	char versioned[80];
	int code = launch_doors();

	snprintf(versioned, sizeof(versioned), "%s/v1", probe->base);
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		setenv(bases[i], versioned, 1);
	setenv("ANTHROPIC_BASE_URL", probe->base, 1);
	setenv("OPENAI_API_KEY", "tagalong-doctor", 1);
	setenv("ANTHROPIC_API_KEY", "tagalong-doctor", 1);
	setenv("TAGALONG_RELAYS", probe->base, 1);
	setenv("TAGALONG_TASK_ID", TASK, 1);
	setenv("TAGALONG_PRESET", "generic", 1);
	setenv("TAGALONG_ENDPOINTS", "chat", 1);
	unsetenv("TAGALONG_OFF");
	return code;
}

/* An argument with the relay's address in it. */
static char *with_url(const char *argument, const char *url)
{
	const char *place = strstr(argument, "{url}");
	char *made = NULL;

	if (!place)
		return strdup(argument);
	if (asprintf(&made, "%.*s%s%s", (int)(place - argument), argument, url,
		     place + strlen("{url}")) < 0)
		return NULL;
	return made;
}

static void become(const struct probe *probe, char **argv)
{
	int nothing = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	dup2(nothing, STDIN_FILENO);
	/* What the command says is not the report. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	for (size_t i = 0; argv[i]; i++) {
		char *argument = with_url(argv[i], probe->url);

		if (!argument)
			_exit(EXIT_TROUBLE);
		argv[i] = argument;
	}
	if (prepare(probe) != EXIT_OK)
		_exit(EXIT_TROUBLE);
	if (argv[0])
		execvp(argv[0], argv);
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

/* Counts a request, and takes the names of what was added to the first tagged one. */
static void note_headers(struct probe *probe, const char *head)
{
	struct text rest = text_of(head), line;
	bool tagged = strcasestr(head, "\r\nX-Task-Id: " TASK "\r\n") != NULL;

	if (strncmp(head, "POST " CHAT, sizeof("POST " CHAT) - 1) ||
	    !strchr(" ?", head[sizeof("POST " CHAT) - 1])) {
		probe->other++;
		return;
	}
	probe->requests++;
	probe->tagged += tagged;
	if (!tagged || cJSON_GetArraySize(probe->headers))
		return;
	while (text_next(&rest, '\n', &line) && line.len > 1) {
		ptrdiff_t colon = text_find(line, ':');
		char name[128];

		if (colon < 1 || (size_t)colon >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)colon, line.ptr);
		if (!strncasecmp(name, "X-", 2) || !strcasecmp(name, "traceparent"))
			cJSON_AddItemToArray(probe->headers, cJSON_CreateString(name));
	}
}

static void answer(int fd, const char *head)
{
	static const char body[] =
		"{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"probe\","
		"\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":"
		"{\"role\":\"assistant\",\"content\":\"ok\"}}]}\n";
	char reply[1024];
	int len = snprintf(reply, sizeof(reply),
			   "%sHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			   strcasestr(head, "\r\nExpect: 100") ? "HTTP/1.1 100 Continue\r\n\r\n" : "",
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
		note_headers(probe, head);
		answer(fd, head);
		/* A close with bytes unread would be a reset, and the answer lost. */
		while (wait_for(fd, POLLIN, deadline_ms) && recv(fd, rest, sizeof(rest), 0) > 0)
			;
	}
	fd_close(fd);
	free(head);
}

/* Serves until the command has ended, or the time. Its exit code, -1 for a signal or no end. */
static int watch(struct probe *probe)
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
	/* What it has left behind may still be about to ask. */
	while (ended && wait_for(probe->fd, POLLIN, clock_monotonic_ms() + POLL_MS))
		serve_one(probe);
	kill(-probe->child, SIGKILL);
	if (!ended)
		waitpid(probe->child, &status, 0);
	return code;
}

int doctor_probe(char **argv, cJSON *report)
{
	struct probe probe = { .headers = cJSON_CreateArray(),
			       .deadline_ms = clock_monotonic_ms() + PROBE_MS };
	cJSON *result;
	int error = listen_on_loopback(&probe), code = -1;

	fflush(stdout);
	if (!error) {
		probe.child = fork();
		error = probe.child < 0 ? -errno : 0;
	}
	if (!error && !probe.child)
		become(&probe, argv);
	if (!error) {
		setpgid(probe.child, probe.child);
		code = watch(&probe);
	}
	fd_close(probe.fd);
	result = cJSON_AddObjectToObject(report, "probe");
	cJSON_AddNumberToObject(result, "requests", probe.requests);
	cJSON_AddNumberToObject(result, "tagged", probe.tagged);
	cJSON_AddNumberToObject(result, "other", probe.other);
	cJSON_AddItemToObject(result, "headers", probe.headers);
	cJSON_AddNumberToObject(result, "exit_code", code);
	if (error)
		report_error("the probe's relay cannot be started: %s", strerror(-error));
	return error ? EXIT_TROUBLE : EXIT_OK;
}
