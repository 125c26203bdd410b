// SPDX-License-Identifier: MIT
/* The trace-id of this process, made for the first request that needs one and wiped by fork. */
#include "core/process_trace.h"

#include <stdbool.h>
#include <string.h>

#include "lib/forkwipe.h"
#include "lib/random.h"

struct process {
	bool writing, ready;
	uint8_t trace_id[16];
};

static struct forkwipe process_page;

int process_trace_id(uint8_t ret_trace_id[16])
{
	struct process *process = forkwipe_get(&process_page);
	int result;

	if (process && __atomic_load_n(&process->ready, __ATOMIC_ACQUIRE)) {
		memcpy(ret_trace_id, process->trace_id, sizeof(process->trace_id));
		return 0;
	}
	result = random_fill(ret_trace_id, sizeof(process->trace_id));
	if (result)
		return result;
	ret_trace_id[0] |= !ret_trace_id[0]; /* never all zero */
	if (!process)
		return 0;
	if (!__atomic_exchange_n(&process->writing, true, __ATOMIC_ACQUIRE)) {
		memcpy(process->trace_id, ret_trace_id, sizeof(process->trace_id));
		__atomic_store_n(&process->ready, true, __ATOMIC_RELEASE);
		return 0;
	}
	/* Another thread is storing its own right now, unless it was cancelled meanwhile. */
	for (unsigned i = 0; i < 10000; i++) {
		if (__atomic_load_n(&process->ready, __ATOMIC_ACQUIRE)) {
			memcpy(ret_trace_id, process->trace_id, sizeof(process->trace_id));
			break;
		}
	}
	return 0;
}
