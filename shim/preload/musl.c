// SPDX-License-Identifier: MIT
/* What glibc has and musl lacks, as hidden functions of our own, so that one library loads in
 * both: the checks that _FORTIFY_SOURCE puts in, and the parts of a device number. */
/* These are the checks: none of them is to be checked by itself. */
#undef _FORTIFY_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN void *__memcpy_chk(void *to, const void *from, size_t bytes, size_t space);
HIDDEN void *__memmove_chk(void *to, const void *from, size_t bytes, size_t space);
HIDDEN void *__memset_chk(void *to, int value, size_t bytes, size_t space);

void *__memmove_chk(void *to, const void *from, size_t bytes, size_t space)
{
	if (bytes > space)
		__builtin_trap();
	return memmove(to, from, bytes);
}

void *__memcpy_chk(void *to, const void *from, size_t bytes, size_t space)
{
	return __memmove_chk(to, from, bytes, space);
}

void *__memset_chk(void *to, int value, size_t bytes, size_t space)
{
	if (bytes > space)
		__builtin_trap();
	return memset(to, value, bytes);
}

HIDDEN unsigned int gnu_dev_major(unsigned long long device);
HIDDEN unsigned int gnu_dev_minor(unsigned long long device);
HIDDEN unsigned long long gnu_dev_makedev(unsigned int major, unsigned int minor);

/* Of 64 bits, the major number has 8 to 19 and 44 to 63, the minor number the others. */
unsigned int gnu_dev_major(unsigned long long device)
{
	return (unsigned int)((device >> 8 & 0xfff) | (device >> 32 & 0xfffff000));
}

unsigned int gnu_dev_minor(unsigned long long device)
{
	return (unsigned int)((device & 0xff) | (device >> 12 & 0xffffff00));
}

unsigned long long gnu_dev_makedev(unsigned int major, unsigned int minor)
{
	return (major & 0xfffULL) << 8 | (major & 0xfffff000ULL) << 32 | (minor & 0xffULL) |
	       (minor & 0xffffff00ULL) << 12;
}
