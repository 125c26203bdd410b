// SPDX-License-Identifier: MIT
/*
 * The context service without its sockets: a conversation of many connections and processes. A line
 * of the input is a request as it is, or one of
 *   !p N    from now on process N asks (16 of them, N's parent is N/2; 0 cannot be seen)
 *   !x N    process N ends, and its scopes with it
 *   !t      the turn ends
 * Every request gets one line that a client can read; what was set is there when it is asked for; a
 * shared page says what the line says that it came with.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/state.h"
#include "daemon/daemon_limits.h"
#include "protocol/reply.h"
#include "protocol/message.h"

#define PROCESSES 16

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct state state;
static struct pages pages;
static bool ended[PROCESSES];
static pid_t asking;

static int look(void *arg, pid_t pid, struct process *ret_process)
{
	if (pid <= 0 || pid >= PROCESSES || ended[pid])
		return -ESRCH;
	*ret_process = (struct process){ pid, pid / 2, (uint64_t)pid * 10, false };
	return 0;
}

static bool shares_pids(pid_t pid)
{
	return pid > 0;
}

static int on_open(void *arg, struct scope *scope)
{
	struct process process;

	return look(NULL, scope->pid, &process);
}

static void on_end(void *arg, struct scope *scope)
{
	pages_scope_ends(&pages, scope);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	state.processes = (struct process_table){ look, NULL, shares_pids };
	state.on_open = on_open;
	state.on_end = on_end;
	state.pages = &pages;
	pages_init(&pages, true, "");
	CHECK(pages.control);
	CHECK(!state_start(&state, "memory:", NULL));
	return 0;
}

/* The page is for its reader to map, and for nobody else to write. */
static void read_page(int fd, const struct wire_reply *reply)
{
	static uint32_t memory[SHARED_PAGE_TEXT_BYTES / 4];
	struct wire_reply shown;
	struct shared_page *page;
	size_t len;

	CHECK(reply->ok && reply->has_page);
	CHECK(mmap(NULL, SHARED_PAGE_BYTES, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	page = mmap(NULL, SHARED_PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(page != MAP_FAILED);
	CHECK(!shared_page_copy(page, memory, sizeof(memory), &len));
	CHECK(!shared_page_read((const char *)memory, len, &shown));
	CHECK(fuzz_same_values(shown.value, reply->value));
	CHECK(fuzz_same_values(shown.opened_with, reply->opened_with));
	munmap(page, SHARED_PAGE_BYTES);
	close(fd);
}

/* Asks, and reads the answer as a client does. */
static void ask(char *line, size_t len, struct wire_reply *ret_reply)
{
	static char memory[FRAME_BYTES + 1];
	const struct peer peer = { .pid = asking, .not_after = 1000 };
	struct answer answer = { .may_pass = true };
	struct buf reply;

	buf_init(&reply, memory, sizeof(memory));
	state_answer(&state, &peer, line, len, &reply, &answer);
	CHECK(!reply.full && reply.len && reply.len <= WIRE_LINE_BYTES_MAX + 1);
	CHECK(memchr(memory, '\n', reply.len) == memory + reply.len - 1);
	CHECK(!wire_read_reply(memory, reply.len - 1, ret_reply));
	CHECK(ret_reply->revision == state.scopes.revision || !ret_reply->ok);
	pages_update(&pages, &state.scopes);
	if (answer.page_fd >= 0)
		read_page(answer.page_fd, ret_reply);
	else
		CHECK(!ret_reply->has_page);
}

static void ask_for(const struct wire_request *request, struct wire_reply *ret_reply)
{
	static char memory[FRAME_BYTES + 1];
	struct buf line;

	buf_init(&line, memory, sizeof(memory));
	wire_write_request(&line, request);
	CHECK(!line.full);
	ask(memory, line.len - 1, ret_reply);
}

static void is_set(const struct wire_request *set, const struct text scope)
{
	struct wire_request get = {
		.op = WIRE_GET, .target = WIRE_NAMED, .scope = scope, .page = true
	};
	struct wire_reply reply;

	if (text_eq(scope, TEXT("default")))
		get.target = WIRE_DEFAULT;
	ask_for(&get, &reply);
	CHECK(reply.ok && reply.has_context);
	for (enum field field = 0; field < FIELD_COUNT; field++)
		CHECK(!set->value[field].len || text_eq(reply.value[field], set->value[field]));
}

static void take_request(const char *bytes, size_t len)
{
	char *line = fuzz_copy(bytes, len), *again = fuzz_copy(bytes, len);
	char name[WIRE_NAME_BYTES_MAX + 1];
	struct wire_request request;
	struct wire_error fault;
	struct wire_reply reply;
	int good;

	ask(line, len, &reply);
	good = !wire_read_request(again, len, &request, &fault);
	CHECK(good || (!reply.ok && text_eq(reply.error_code, text_of(wire_code_name(fault.code)))));
	if (good && reply.ok && request.op == WIRE_SET) {
		struct text scope = { name, reply.scope.len };

		memcpy(name, reply.scope.ptr, reply.scope.len);
		is_set(&request, scope);
	}
	free(line);
	free(again);
}

static void end_process(pid_t pid)
{
	struct scope *scope;

	ended[pid] = true;
	while ((scope = scopes_of_process(&state.scopes, pid, (uint64_t)pid * 10)))
		state_end_scope(&state, scope, "ended");
}

static void take_line(const char *line, size_t len)
{
	pid_t pid = len > 3 ? (uint8_t)line[3] % PROCESSES : 0;

	if (len < 2 || line[0] != '!')
		take_request(line, len);
	else if (line[1] == 'p')
		asking = pid;
	else if (line[1] == 'x')
		end_process(pid);
	else
		state_commit(&state);
}

/* The books are right, and all is gone at the end. */
static void audit(void)
{
	bool all[FIELD_COUNT];
	size_t count = 0;
	struct scope *scope;

	TAILQ_FOREACH(scope, &state.scopes.order, order) {
		CHECK(scope->depth <= SCOPE_DEPTH_MAX && !(scope->pid && ended[scope->pid]));
		count++;
	}
	CHECK(count == state.scopes.count);
	while ((scope = TAILQ_FIRST(&state.scopes.order)))
		state_end_scope(&state, scope, "over");
	memset(all, true, sizeof(all));
	scopes_unset(&state.scopes, state.scopes.default_scope, all);
	CHECK(!state.scopes.count && !state.scopes.processes && !state.scopes.bytes);
	/* The default_scope one ends with the service. */
	CHECK(pages.count == (state.scopes.default_scope->page != NULL));
	state_commit(&state);
	memset(ended, 0, sizeof(ended));
	asking = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		if (len <= WIRE_LINE_BYTES_MAX)
			take_line(at, len);
		at += len + 1;
	}
	audit();
	return 0;
}
