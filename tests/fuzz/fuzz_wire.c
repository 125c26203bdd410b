// SPDX-License-Identifier: MIT
/*
 * The protocol, either side: any bytes as a request, a reply and a row of the state file.
 * What is taken has to come back the same when it is written and read again.
 */
#include "fuzz.h"

#include "daemon/store.h"
#include "protocol/reply.h"
#include "protocol/message.h"

static void try_request(char *line, size_t len)
{
	static char memory[2 * FRAME_BYTES];
	struct wire_request request, again;
	struct wire_error fault;
	struct buf buf;

	if (wire_read_request(line, len, &request, &fault)) {
		CHECK(fault.code < WIRE_CODE_COUNT && fault.message.len);
		return;
	}
	/* close and unset without a scope are written so, and refused so */
	if (request.op == WIRE_CLOSE && request.target == WIRE_OWN && !request.scope.len)
		return;
	buf_init(&buf, memory, sizeof(memory));
	wire_write_request(&buf, &request);
	CHECK(!buf.full && buf.len && buf.data[buf.len - 1] == '\n');
	CHECK(!wire_read_request(buf.data, buf.len - 1, &again, &fault));
	CHECK(again.op == request.op);
	if (request.op == WIRE_SET || request.op == WIRE_OPEN)
		CHECK(fuzz_same_values(request.value, again.value));
	if (request.op == WIRE_UNSET)
		CHECK(!memcmp(request.unset, again.unset, sizeof(request.unset)));
	if (request.op == WIRE_LIST || request.op == WIRE_PING)
		return;
	CHECK(again.target == request.target && again.pid == request.pid);
	CHECK(text_eq(again.scope, request.scope));
}

static void try_reply(char *line, size_t len)
{
	static char memory[8 * FRAME_BYTES]; /* values are not bounded here, and escapes grow */
	struct wire_reply reply, again;
	struct wire_scope scope;
	struct text rest;
	struct buf buf;

	if (wire_read_reply(line, len, &reply) || !reply.ok)
		return;
	for (rest = reply.scopes; wire_next_scope(&rest, &scope) > 0;)
		;
	buf_init(&buf, memory, sizeof(memory));
	wire_write_reply(&buf, &reply);
	CHECK(!buf.full && !wire_read_reply(buf.data, buf.len - 1, &again));
	CHECK(again.revision == reply.revision && text_eq(again.scope, reply.scope));
	CHECK(!reply.has_context || fuzz_same_values(again.value, reply.value));
	CHECK(fuzz_same_values(again.opened_with, reply.opened_with));
}

static void try_row(char *line, size_t len)
{
	static char memory[8 * FRAME_BYTES];
	struct store_row row, again;
	struct buf buf;

	if (!store_row_read(line, len, &row))
		return;
	buf_init(&buf, memory, sizeof(memory));
	store_row_write(&buf, &row);
	CHECK(!buf.full && store_row_read(buf.data, buf.len, &again));
	CHECK(text_eq(again.name, row.name));
	CHECK(fuzz_same_values(again.value, row.value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(char *line, size_t len) = { try_request, try_reply, try_row };

	if (size > WIRE_LINE_BYTES_MAX)
		return 0;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		char *line = fuzz_copy(data, size);

		tries[i](line, size);
		free(line);
	}
	return 0;
}
