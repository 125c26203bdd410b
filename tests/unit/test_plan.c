// SPDX-License-Identifier: MIT
/* The plan gives the lines that are built without it. Between requests, anything that lines can rest
 * on changes at random; each request is built as it is, and with an observer, for which no plan is
 * used or made. PLAN_STEPS (20000) says how many, PLAN_SEED which. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/header.h"
#include "core/preset.h"
#include "core/request.h"
#include "lib/random.h"
#include "url_api.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define THREADS 4

static uint64_t seed;
static char work[64], library[4096]; /* a folder of the test's; where the built programs are */

static unsigned below(unsigned limit)
{
	uint64_t x = seed += UINT64_C(0x9E3779B97F4A7C15);

	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return (unsigned)((x ^ x >> 31) >> 33) % limit;
}

#define PICK(array) (array)[below(COUNT(array))]

/* ---- a request, and what is built for it */

static const char *const urls[] = {
	"http://localhost/v1/chat/completions",
	"http://localhost/v1/chat/completions",
	"http://127.0.0.1/v1/chat/completions", /* of the same length, and ends alike */
	"http://127.0.0.1:8080/v1/chat/completions",
	"http://localhost/v1/chat/completionz",
	"http://localhost/v1/responses?key=one",
	"http://localhost/v1/responses?key=two",
	"http://user:word@localhost/v1/messages",
	"http://relay.example/v1/chat/completions",
	"https://api.openai.com/v1/chat/completions",
};
static const char *const headers[] = {
	"Authorization: Bearer sk-1", "Authorization: Bearer sk-2", "Content-Type: application/json",
	"Expect:",		      "X-Task-Id: mine",	    "x_task-id: mine",
	"X-Session-Id: s1",	      "X-Session-Id: s2",	    "session-id: s3",
	"X-Claude-Code-Session-Id: c1", "traceparent;",		    "X-Request-Id: r",
	"thread-id: two words",	      "Referer: http://x/",	    "X-Team: x",
};
static const char *const bodies[] = {
	"",
	"{\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}",
	"{\"messages\":[{\"role\":\"user\",\"content\":\"two\"}]}",
	"{\"session_id\":\"b1\",\"messages\":[]}",
};

struct client {
	const char *url, *method, *body;
	const char *headers[4];
	size_t headers_count;
	enum tag_peer peer;
	unsigned port;
	bool has_referer; /* by an option, in no header that can be listed */
	uint8_t request_id[UUID_BYTES]; /* of the last request */
	bool was_asked; /* whether it sets a header: then there was no plan */
};

static bool client_sets(void *arg, struct text name)
{
	struct client *client = arg;

	client->was_asked = true;
	for (size_t i = 0; i < client->headers_count; i++) {
		if (header_name_eq(header_line_name(text_of(client->headers[i])), name))
			return true;
	}
	return client->has_referer && header_name_eq(name, TEXT("Referer"));
}

static const void *next_client_header(void *arg, const void *cursor, uint64_t starts,
				      struct text *ret_name, struct text *ret_value)
{
	struct client *client = arg;
	const char *const *header = cursor ? (const char *const *)cursor + 1 : client->headers;
	struct text line;

	while (header < client->headers + client->headers_count &&
	       !header_may_start(starts, *header))
		header++;
	if (header == client->headers + client->headers_count)
		return NULL;
	line = text_of(*header);
	*ret_name = header_line_name(line);
	*ret_value = text_trim(text_from(line, ret_name->len + 1));
	return header;
}

static struct text client_body(void *arg)
{
	return text_of(((struct client *)arg)->body);
}

static void identify(void *arg, const uint8_t random[UUID7_RANDOM_BYTES],
		     uint8_t ret_request_id[UUID_BYTES])
{
	struct client *client = arg;

	uuid7_make(client->request_id, 0, random);
	memcpy(ret_request_id, client->request_id, UUID_BYTES);
}

/* Every place of `text` becomes dashes. */
static void blank(char *lines, const char *text)
{
	for (char *at = lines; text[0] && (at = strstr(at, text)); at += strlen(text))
		memset(at, '-', strlen(text));
}

/* Where "00-" and the two ids of a traceparent stand, or NULL. */
static char *find_trace(char *lines)
{
	static const char hex[] = "0123456789abcdef";

	for (char *at = lines; (at = strstr(at, "00-")); at++) {
		if (strspn(at + 3, hex) == 32 && at[35] == '-' && strspn(at + 36, hex) == 16)
			return at;
	}
	return NULL;
}

/* The verdict and the lines, without what is new in each. `last_span` (17 bytes) has the span of
 * the last request; true unless this one has the same. */
static bool build(struct client *client, const struct tag_observer *observer, char *last_span,
		  char ret_lines[LINES_BYTES_MAX + 64])
{
	struct tag_request request = {
		.api = &url_api,
		.url = client->url,
		.method = client->method,
		.peer = client->peer,
		.port = client->port,
		.identify = identify,
		.body = client_body,
		.body_arg = client,
		.client_sets = client_sets,
		.next_header = next_client_header,
		.arg = client,
		.observer = observer,
	};
	struct tag_lines *lines = NULL;
	char id_memory[40], span[17] = "";
	char *trace;
	bool is_new = true;
	struct buf buf, id;

	client->was_asked = false;
	memset(client->request_id, 0, sizeof(client->request_id));
	buf_init(&buf, ret_lines, LINES_BYTES_MAX + 64);
	buf_number(&buf, tag_build(&request, &lines));
	for (size_t i = 0; lines && i < lines->count; i++) {
		struct text line = tag_line_text(lines, i);

		buf_char(&buf, '\n');
		buf_add(&buf, line);
		buf_char(&buf, lines->line[i].replaces ? '!' : '.');
		if (line.ptr[line.len] || line.ptr[lines->line[i].name_len] != ':')
			buf_add(&buf, TEXT(" (torn)"));
	}
	free(lines);
	buf_init(&id, id_memory, sizeof(id_memory));
	uuid_format(&id, client->request_id);
	blank(ret_lines, id_memory);
	trace = find_trace(ret_lines);
	if (trace) {
		memcpy(span, trace + 36, 16);
		span[16] = '\0';
		is_new = strcmp(span, last_span) != 0;
		memcpy(last_span, span, sizeof(span));
		blank(ret_lines, span);
	}
	return is_new;
}

struct results {
	unsigned planned, built, late, wrong;
	char span[2][17];
	char with[LINES_BYTES_MAX + 64], without[LINES_BYTES_MAX + 64],
		after[LINES_BYTES_MAX + 64];
};

static const struct tag_observer nobody;

/* One request, both ways. What changes by itself (a second has passed, a service was started) may
 * change between the two: then it has to be what is built before or after it. */
static bool compare(struct client *client, struct results *results)
{
	bool fresh = build(client, NULL, results->span[0], results->with);

	if (results->with[0] == '0')
		client->was_asked ? results->built++ : results->planned++;
	fresh = build(client, &nobody, results->span[1], results->without) && fresh;
	if (fresh && !strcmp(results->with, results->without))
		return true;
	results->late++;
	fresh = build(client, &nobody, results->span[1], results->without) && fresh;
	fresh = build(client, NULL, results->span[0], results->with) && fresh;
	fresh = build(client, &nobody, results->span[1], results->after) && fresh;
	if (fresh && (!strcmp(results->with, results->without) ||
		      !strcmp(results->with, results->after)))
		return true;
	results->wrong++;
	return false;
}

/* ---- what may change */

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256], new_path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", work, folder, name);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	file = fopen(new_path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) || rename(new_path, path))
		exit(3);
}

static void make_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	if (mkdir(path, 0700) && errno != EEXIST)
		exit(3);
}

static const char *const remotes[] = {
	"[remote \"origin\"]\n\turl = https://example.com/one.git\n",
	"[remote \"origin\"]\n\turl = git@example.com:team/two.git\n",
	"[core]\n\tbare = false\n",
};

static void change_folder(struct client *client)
{
	static const char *const folders[] = { "a", "a/deep", "b", "none" };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", work, PICK(folders));
	if (chdir(path))
		exit(3);
}

static void change_remote(struct client *client)
{
	write_file(below(2) ? "a" : "b", ".git/config", PICK(remotes));
}

static const char *const values[] = { "", "T-1", "T-2", "T-22", "a b", "two\nlines" };
static const char *const traces[] = {
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00", "nonsense"
};

static void change_variable(struct client *client)
{
	static const char *const names[] = {
		"TAGALONG_TASK_ID",    "TAGALONG_CONVERSATION_ID", "TAGALONG_SESSION_ID",
		"TAGALONG_PROJECT_ID", "TAGALONG_USER_ID",	   "TAGALONG_TAGS",
		"TRACEPARENT",	       "TRACESTATE",		   "BAGGAGE",
		"CLAUDE_CODE_SESSION_ID", "KILOCODE_FEATURE",	   "TAGALONG_RELAYS",
		"TAGALONG_ENDPOINTS",  "TAGALONG_SCOPE",	   "CI_JOB_ID",
		"CI_JOB_ID", "CI_JOB_ID",
		"TERM",		       "TAGALONG_RUN",		   "XDG_RUNTIME_DIR",
	};
	static const char *const relays[] = { "relay.example,localhost", "localhost,*.openai.com", "" };
	static const char *const tags[] = { "team=pay,env=ci", "a=1", "broken" };
	const char *name = PICK(names), *value = PICK(values);

	if (!strcmp(name, "TAGALONG_RELAYS"))
		value = PICK(relays);
	else if (!strcmp(name, "TRACEPARENT"))
		value = PICK(traces);
	else if (!strcmp(name, "TAGALONG_TAGS") || !strcmp(name, "BAGGAGE") ||
		 !strcmp(name, "TRACESTATE"))
		value = PICK(tags);
	else if (!strcmp(name, "TAGALONG_ENDPOINTS"))
		value = below(2) ? "chat" : "/completionz";
	else if (!strcmp(name, "XDG_RUNTIME_DIR"))
		value = work;
	if (below(3))
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* A host may write into what it gave to putenv. */
static void change_in_place(struct client *client)
{
	static char task[] = "TAGALONG_TASK_ID=P-0000";

	snprintf(task + 19, 5, "%04u", below(3));
	putenv(task);
}

/* A host may also have an environment of its own making: with names twice, or in another order. */
static void change_environ(struct client *client)
{
	static char *own[2][256];
	static char twice[] = "TAGALONG_TASK_ID=twice";
	static unsigned turn;
	char **to = own[turn++ % 2];
	size_t count = 0;

	for (char **variable = environ; variable && *variable && count < COUNT(own[0]) - 2;
	     variable++) {
		if (below(12))
			to[count++] = *variable;
	}
	if (!below(3))
		to[count++] = twice;
	if (count > 1 && below(2)) {
		char *first = to[0];

		to[0] = to[count - 1];
		to[count - 1] = first;
	}
	to[count] = NULL;
	environ = to;
}

static void set_path(const char *variable, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	setenv(variable, path, 1);
}

static void change_preset(struct client *client)
{
	struct text name, hosts;
	char memory[64] = "";

	preset_head_at(below((unsigned)preset_count()), &name, &hosts);
	if (name.len < sizeof(memory))
		memcpy(memory, name.ptr, name.len);
	if (below(3))
		setenv("TAGALONG_PRESET", memory, 1);
	else
		unsetenv("TAGALONG_PRESET");
}

static const char *const configurations[] = {
	"{\"adopt\":{\"user_id\":[\"CI_JOB_ID\"]}}",
	"{\"relays\":[{\"match\":[\"http://localhost\"],\"headers\":{\"X-Team\":\"{env:TEAM|'x'}\"}}]}",
	"{\"relays\":[{\"match\":[\"http://localhost\"],\"on_conflict\":\"replace\",\"headers\":{\"X-Mode\":\"{mode|'m'}"
	"-{request_id}\",\"Referer\":\"{task_id}\"}}]}",
	"{\"relays\":[{\"match\":[\"relay.example\"],\"preset\":\"litellm\",\"require\":[\"task_id\"]}],"
	"\"adopt\":{\"user_id\":[\"CI_JOB_ID\"]}}",
	"{\"relays\":[{\"match\":[\"http://localhost\"],\"conversation\":\"derive\",\"max_headers\":3}]}",
	"{\"relays\":[{\"match\":[\"http://localhost\"],\"headers\":{\"X-User-Id\":\"{header:X-Team}\",\"baggage\":"
	"{\"$format\":\"baggage\",\"trace\":\"{traceparent}\",\"request\":\"{request_id}\"}}}]}",
	"{ nonsense",
};

/* Files that are there: the variable names one. */
static void change_configuration(struct client *client)
{
	char name[32];

	snprintf(name, sizeof(name), "config-%u", below(COUNT(configurations)));
	if (below(3))
		set_path("TAGALONG_CONFIG", name);
	else
		unsetenv("TAGALONG_CONFIG");
}

/* The file itself, with and without a time after which its time stamp tells. */
static void rewrite_configuration(struct client *client)
{
	const char *named = getenv("TAGALONG_CONFIG");

	if (!named || !strrchr(named, '/'))
		return;
	write_file(".", strrchr(named, '/') + 1, configurations[below(2) ? 0 : below(5)]);
	if (!below(3))
		nanosleep(&(struct timespec){ 0, 120000000 }, NULL);
}

static pid_t service;

static int connect_service(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/service.sock", work);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

static void stop_service(void)
{
	if (!service)
		return;
	kill(service, SIGKILL);
	waitpid(service, NULL, 0);
	service = 0;
}

static void start_service(void)
{
	char socket_path[256], store[256];
	int fd = -1;

	snprintf(socket_path, sizeof(socket_path), "TAGALONG_SOCKET=%s/service.sock", work);
	snprintf(store, sizeof(store), "XDG_STATE_HOME=%s/state", work);
	service = fork();
	if (!service) {
		static char serve[] = "serve";
		char *const arguments[] = { serve, serve, NULL };
		char *const variables[] = { socket_path, store, NULL };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(STDERR_FILENO);
		open("/dev/null", O_WRONLY);
		execve(library, arguments, variables);
		_exit(127);
	}
	for (int i = 0; i < 20000 && fd < 0; i++) { /* a busy machine */
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		fd = connect_service();
	}
	if (fd < 0)
		exit(3);
	close(fd);
}

static void change_service(struct client *client)
{
	static const char *const fields[] = { "task_id", "mode", "conversation_id", "app",
					      "project_id" };
	static const char *const scopes[] = { "\"default\":true", "\"name\":\"T-1\"" };
	char line[256];
	int fd = service ? connect_service() : -1;

	if (fd < 0)
		return;
	if (below(3))
		snprintf(line, sizeof(line),
			 "{\"v\":1,\"op\":\"set\",\"scope\":{%s},\"context\":{\"%s\":\"s-%u\"}}\n",
			 PICK(scopes), PICK(fields), below(3));
	else if (below(2))
		snprintf(line, sizeof(line),
			 "{\"v\":1,\"op\":\"unset\",\"scope\":{\"default\":true},\"fields\":[\"%s\"]}\n",
			 PICK(fields));
	else
		snprintf(line, sizeof(line), "{\"v\":1,\"op\":\"%s\",\"scope\":{\"name\":\"T-1\"}}\n",
			 below(2) ? "open" : "close");
	if (write(fd, line, strlen(line)) < 0 || read(fd, line, sizeof(line)) <= 0)
		exit(3);
	close(fd);
}

static void restart_service(struct client *client)
{
	if (service && below(2)) {
		stop_service();
		return;
	}
	stop_service();
	start_service();
	set_path("TAGALONG_SOCKET", "service.sock");
}

static void change_socket(struct client *client)
{
	char path[256];

	if (below(4))
		set_path("TAGALONG_SOCKET", "service.sock");
	else
		set_path("TAGALONG_SOCKET", "nothing.sock");
	/* The service lives, and its page is still right. */
	snprintf(path, sizeof(path), "%s/service.sock", work);
	if (!below(8))
		unlink(path);
}

static void change_request(struct client *client)
{
	switch (below(6)) {
	case 0:
		client->method = below(8) ? "POST" : "GET";
		break;
	case 1:
		client->peer = below(8) ? TAG_PEER_LOOPBACK : TAG_PEER_ELSEWHERE;
		break;
	case 2:
		client->port = below(3) ? 0 : 8080;
		break;
	case 3:
		client->body = PICK(bodies);
		client->has_referer = below(2);
		break;
	default:
		client->url = PICK(urls);
	}
}

static void change_headers(struct client *client)
{
	client->headers_count = below(COUNT(client->headers) + 1);
	for (size_t i = 0; i < client->headers_count; i++)
		client->headers[i] = PICK(headers);
}

/* Back to what is tagged, and for which there is a plan. */
static void change_back(struct client *client)
{
	unsetenv("TAGALONG_RELAYS");
	unsetenv("TAGALONG_ENDPOINTS");
	unsetenv("TAGALONG_PRESET");
	unsetenv("TAGALONG_USER_ID");
	setenv("TAGALONG_TASK_ID", "T-1", 1);
	if (below(2))
		unsetenv("TAGALONG_CONFIG");
	else
		set_path("TAGALONG_CONFIG", below(3) ? "config-0" : "config-2");
	*client = (struct client){ .url = urls[0], .method = "POST", .body = bodies[1],
				   .peer = TAG_PEER_LOOPBACK };
	if (below(3))
		return;
	/* An id from the body. */
	unsetenv("TAGALONG_CONFIG");
	unsetenv("TAGALONG_TASK_ID");
	unsetenv("TAGALONG_SESSION_ID");
	unsetenv("TAGALONG_CONVERSATION_ID");
	unsetenv("CLAUDE_CODE_SESSION_ID");
	setenv("HOME", work, 1);
	setenv("TAGALONG_PRESET", "xai", 1);
}

static void change_body(struct client *client)
{
	client->body = PICK(bodies);
}

/* How often each is to come, of all. */
static const struct {
	unsigned weight;
	void (*change)(struct client *client);
} changes[] = {
	{ 600, change_request },	{ 600, change_headers },     { 1000, change_variable },
	{ 300, change_in_place },	{ 100, change_environ },     { 100, change_preset },
	{ 100, change_folder },		{ 50, change_remote },	     { 80, change_configuration },
	{ 20, rewrite_configuration },	{ 300, change_service },     { 4, restart_service },
	{ 40, change_socket },		{ 300, change_back },
	{ 300, change_body },
};

static void change(struct client *client)
{
	unsigned all = 0, at;

	for (size_t i = 0; i < COUNT(changes); i++)
		all += changes[i].weight;
	at = below(all);
	for (size_t i = 0; i < COUNT(changes); i++) {
		if (at < changes[i].weight) {
			changes[i].change(client);
			return;
		}
		at -= changes[i].weight;
	}
}

static void begin(struct client *client)
{
	const char *number = getenv("PLAN_SEED");
	char self[4096 - 16], name[32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	seed = number ? strtoull(number, NULL, 0) : (uint64_t)time(NULL);
	printf("PLAN_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	self[len > 0 ? len : 0] = '\0';
	for (int i = 0; i < 2 && strrchr(self, '/'); i++)
		*strrchr(self, '/') = '\0';
	snprintf(library, sizeof(library), "%s/tagalong", self);
	snprintf(work, sizeof(work), "/tmp/test-plan-XXXXXX");
	if (!mkdtemp(work))
		exit(3);
	make_folder("a");
	make_folder("a/.git");
	make_folder("a/deep");
	make_folder("b");
	make_folder("b/.git");
	make_folder("none");
	for (unsigned i = 0; i < COUNT(configurations); i++) {
		snprintf(name, sizeof(name), "config-%u", i);
		write_file(".", name, configurations[i]);
	}
	write_file("a", ".git/config", remotes[0]);
	write_file("b", ".git/config", remotes[1]);
	setenv("HOME", work, 1);
	setenv("XDG_RUNTIME_DIR", work, 1); /* and no service of this machine's */
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CONFIG_HOME");
	setenv("TAGALONG_TIMEOUT_MS", "5000", 1); /* on a busy machine, too */
	set_path("TAGALONG_SOCKET", "service.sock");
	*client = (struct client){ .url = urls[0], .method = "POST", .body = "",
				   .peer = TAG_PEER_LOOPBACK };
	change_folder(client);
	start_service();
}

static void end(void)
{
	char command[128];

	stop_service();
	snprintf(command, sizeof(command), "rm -rf %s", work);
	if (chdir("/") || setenv("PATH", "/usr/bin:/bin", 1) || system(command))
		exit(3);
}

static void differential(void)
{
	static struct results results;
	const char *number = getenv("PLAN_STEPS");
	unsigned long steps = number ? strtoul(number, NULL, 0) : 20000;
	struct client client;

	begin(&client);
	for (unsigned long i = 0; i < steps; i++) {
		/* Mostly nothing or one thing, sometimes two. */
		for (unsigned many = below(5); many > 2; many--)
			change(&client);
		if (!compare(&client, &results))
			fprintf(stderr, "step %lu: %s %s\n%s\n-- without the plan:\n%s\n", i,
				client.method, client.url, results.with, results.without);
	}
	end();
	printf("%u by a plan, %u built anew, %u compared again\n", results.planned, results.built,
	       results.late);
	fflush(stdout);
	CHECK(!results.wrong, "the same lines");
	CHECK(results.planned > steps / 20, "plans are used");
	CHECK(results.late <= steps / 50 + 20, "most at once");
}

/* In step: all build, then the first one changes something. */
struct worker {
	pthread_t thread;
	struct client client;
	struct results results;
	unsigned steps;
	pthread_barrier_t *barrier;
	bool changes;
};

static void *work_on(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < worker->steps; i++) {
		pthread_barrier_wait(worker->barrier);
		for (unsigned j = 0; j < 8; j++)
			compare(&worker->client, &worker->results);
		pthread_barrier_wait(worker->barrier);
		if (worker->changes) {
			change(&worker->client);
			worker->client.method = "POST";
		}
	}
	return NULL;
}

static void threads(void)
{
	static struct worker workers[THREADS];
	const char *number = getenv("PLAN_STEPS");
	unsigned steps = (unsigned)(number ? strtoul(number, NULL, 0) : 20000) / 40;
	unsigned planned = 0;
	pthread_barrier_t barrier;
	struct client client;

	begin(&client);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .client = client, .steps = steps, .barrier = &barrier,
					      .changes = !i };
		workers[i].client.url = urls[i < 2 ? 0 : i];
		pthread_create(&workers[i].thread, NULL, work_on, &workers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		CHECK(!workers[i].results.wrong, "the same lines");
		planned += workers[i].results.planned;
	}
	pthread_barrier_destroy(&barrier);
	end();
	CHECK(planned > 0, "plans are used");
}

/* A child has a plan of its own, and with it a trace of its own. */
static void forked(void)
{
	static struct results results;
	char before[LINES_BYTES_MAX + 64];
	struct client client;
	int status = -1;
	pid_t child;

	begin(&client);
	stop_service();
	/* A service that failed is left alone for a second, and nothing is planned meanwhile. */
	nanosleep(&(struct timespec){ 1, 100000000 }, NULL);
	clearenv();
	setenv("TAGALONG_TASK_ID", "T-1", 1);
	set_path("TAGALONG_SOCKET", "nothing.sock");
	for (int i = 0; i < 3; i++)
		CHECK(compare(&client, &results), "parent");
	CHECK(results.planned == 2, "it has a plan");
	memcpy(before, results.with, sizeof(before));
	child = fork();
	if (!child) {
		bool first = compare(&client, &results) && strcmp(before, results.with) != 0 &&
			     results.built == 2;
		/* The first request of a process leaves no plan, because it is often the only one. */
		bool second = compare(&client, &results) && results.built == 3;

		_exit(first && second && compare(&client, &results) && results.planned > 2 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "child");
	CHECK(compare(&client, &results) && !strcmp(before, results.with), "parent, as before");
	end();
}

static const struct suite_test tests[] = {
	TEST(differential),
	TEST(threads),
	TEST(forked),
};

SUITE("plan", tests)
