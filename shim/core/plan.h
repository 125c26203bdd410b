/* SPDX-License-Identifier: MIT */
/* The plan: what was decided about the last request that was tagged, and its finished lines, with
 * gaps for what is new in each. Clients send to one relay again and again, and then all that is to
 * be done is to find that nothing has changed. */
#pragma once

#include "core/request.h"

/* A hash of the variables that a request may look at; 0 where no plan is to be made: they are too many,
 * or none of the process's requests was tagged yet, as most processes send one. To be asked for before
 * any of them is looked at. config may be NULL. */
uint64_t plan_environment(const struct config *config);

/* Makes the plan of a request that was built, unless it rests on what is not followed here; then, or
 * when another thread is at it, the one before stays. */
void plan_make(const struct tag_request *request, const struct config_snapshot *snapshot,
	       uint64_t environment, const struct values *values, const struct tag_lines *lines);

/* The lines for a request by the plan, in one block that is the caller's. NULL when it is for
 * another request, anything that it rests on has changed, or another thread is at it. Makes no
 * system call that tag_build does not make. */
struct tag_lines *plan_lines(const struct tag_request *request);
