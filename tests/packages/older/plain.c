// SPDX-License-Identifier: MIT
/*
 * A program in which libdl.so.2 is nowhere; or, built with LATE, comes with a module that libc loads by
 * itself, which is one of iconv's. It has no start files, because those of a newer glibc want one.
 */
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

extern int send_to(const char *url);

/* The kernel does not start it as one calls a function. */
__attribute__((force_align_arg_pointer)) void _start(void)
{
#ifdef LATE
	puts(iconv_open("MODULE//", "UTF-8") == (iconv_t)-1 ? "no module" : "a module");
#else
	printf("%d\n", send_to(getenv("URL")));
#endif
	exit(0);
}
