// SPDX-License-Identifier: MIT
/*
 * A program without libcurl that asks for its functions as the next ones, and says what it is told.
 * As plain.c it has no start files; dlsym is of the version that glibc had up to 2.33.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

__asm__(".symver dlsym, dlsym@GLIBC_2.2.5\n.symver dlerror, dlerror@GLIBC_2.2.5");

__attribute__((force_align_arg_pointer)) void _start(void)
{
	static const char *const names[] = { "curl_easy_init", "curl_easy_setopt", "curl_version" };

	for (int i = 0; i < 3; i++) {
		const void *found = dlsym(RTLD_NEXT, names[i]);

		printf("%s: %s\n", found ? "found" : "absent", dlerror());
	}
	exit(0);
}
