// SPDX-License-Identifier: MIT
/* The process's own trace, started at the first request that needs one. */
#include "core/raised.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "lib/forkwipe.h"
#include "lib/random.h"

struct process {
	pthread_mutex_t lock;
	bool known;
	uint8_t trace_id[16];
};

static struct forkwipe process_page;

int process_trace_id(uint8_t ret_trace_id[16])
{
	static const uint8_t zero[16];
	struct process *process = forkwipe_get(&process_page);
	int result = 0;

	/* Without the page there is nothing to keep it in: each request starts a trace. */
	if (!process)
		return random_fill(ret_trace_id, sizeof(process->trace_id));
	pthread_mutex_lock(&process->lock);
	if (!process->known) {
		result = random_fill(process->trace_id, sizeof(process->trace_id));
		process->known = !result && memcmp(process->trace_id, zero, sizeof(zero));
	}
	if (process->known)
		memcpy(ret_trace_id, process->trace_id, sizeof(process->trace_id));
	else if (!result)
		result = -EIO;
	pthread_mutex_unlock(&process->lock);
	return result;
}
