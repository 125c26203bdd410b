// SPDX-License-Identifier: MIT
/*
 * Makes one call fail that libtagalong.so makes. It stands before the shim in LD_PRELOAD, so what both
 * call is this first; a call is the shim's when its return address lies inside of the shim, or when
 * libcurl's URL parser allocates and was called by the shim. The host's own calls, and all others of
 * libcurl's, go through.
 *
 *   TORTURE_FILE   a file of sizeof(struct record) zeros: the calls are noted there, by name
 *   TORTURE_CALL   the number of the call that fails, from 1; 0 or unset: none does
 *   TORTURE_HOW    an errno's number; or "short": one byte is moved; or "zero": 0 is returned
 *   TORTURE_STAYS  set: so does every later call of its kind (allocations, new descriptors)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 16384
#define NAME_BYTES 16
#define FRAMES_MAX 24

struct record {
	uint32_t calls;
	uint32_t failed;
	char name[CALLS_MAX][NAME_BYTES];
};

struct range {
	uintptr_t start, end;
};

enum how { PASS, FAIL, SHORT, ZERO };
enum kind { ALLOCATION, DESCRIPTOR, OTHER };

static struct range shim, libcurl;
static struct record *record;
static uint32_t wanted;
static enum how wanted_how;
static int wanted_errno, stays = -1;

static bool is_in(struct range range, const void *address)
{
	return (uintptr_t)address - range.start < range.end - range.start;
}

static int note_range(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = strrchr(info->dlpi_name, '/');
	struct range *range;

	(void)size, (void)arg;
	if (!name || (strcmp(name, "/libtagalong.so") && strncmp(name, "/libcurl", 8)))
		return 0;
	range = name[4] == 't' ? &shim : &libcurl;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_LOAD && (header->p_flags & PF_X))
			*range = (struct range){ start, start + header->p_memsz };
	}
	return 0;
}

/* Before it has run, every call goes through. */
__attribute__((constructor)) static void start(void)
{
	const char *file = getenv("TORTURE_FILE"), *call = getenv("TORTURE_CALL");
	const char *how = getenv("TORTURE_HOW");
	int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
	void *frames[2], *memory;

	if (fd < 0)
		return;
	backtrace(frames, 2); /* it loads what it needs the first time */
	memory = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	wanted = call ? (uint32_t)strtoul(call, NULL, 10) : 0;
	wanted_errno = how ? atoi(how) : 0;
	wanted_how = wanted_errno ? FAIL : how && !strcmp(how, "short") ? SHORT : ZERO;
	dl_iterate_phdr(note_range, NULL);
	record = memory == MAP_FAILED ? NULL : memory;
}

static enum how judge(const char *name, enum kind kind)
{
	uint32_t number = __atomic_add_fetch(&record->calls, 1, __ATOMIC_RELAXED);
	const char *forever = getenv("TORTURE_STAYS");

	if (number <= CALLS_MAX)
		strncpy(record->name[number - 1], name, NAME_BYTES - 1);
	if (number == wanted) {
		__atomic_add_fetch(&record->failed, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&stays, forever && kind != OTHER ? (int)kind : -1,
				 __ATOMIC_RELAXED);
	} else if (__atomic_load_n(&stays, __ATOMIC_RELAXED) != (int)kind) {
		return PASS;
	}
	errno = wanted_how == FAIL ? wanted_errno : errno;
	return wanted_how;
}

static enum how of_shim(const char *name, enum kind kind, const void *caller)
{
	return record && is_in(shim, caller) ? judge(name, kind) : PASS;
}

/* Called by libcurl: for the shim, when the way out of libcurl leads from a curl_url function there. */
static bool is_url_parser(void)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX), i = 0;
	Dl_info info;

	while (i < count && !is_in(libcurl, frames[i]))
		i++;
	while (i < count && is_in(libcurl, frames[i]))
		i++;
	return i && i < count && is_in(shim, frames[i]) && dladdr(frames[i - 1], &info) &&
	       info.dli_sname && !strncmp(info.dli_sname, "curl_url", 8);
}

static enum how of_allocation(const char *name, const char *name_by_parser, const void *caller)
{
	if (record && is_in(libcurl, caller) && is_url_parser())
		return judge(name_by_parser, ALLOCATION);
	return of_shim(name, ALLOCATION, caller);
}

#define CALLER __builtin_return_address(0)

/* glibc's own names: these are called before anything can be looked up. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
	return of_allocation("malloc", "malloc in URL", CALLER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return of_allocation("calloc", "calloc in URL", CALLER) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	if (of_allocation("realloc", "realloc in URL", CALLER))
		return NULL;
	return __libc_realloc(memory, size);
}

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = of_allocation("strdup", "strdup in URL", CALLER) ? NULL : __libc_malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* The next one of that name, looked up at its first use. */
#define REAL(name) \
	({ \
		static typeof(&name) real_; \
		if (!real_) \
			real_ = (typeof(&name))dlsym(RTLD_NEXT, #name); \
		real_; \
	})

/* A call that either works or fails with -1. */
#define MAY_FAIL(kind, type, name, parameters, arguments) \
	type name parameters \
	{ \
		return of_shim(#name, kind, CALLER) ? (type)-1 : REAL(name) arguments; \
	}

MAY_FAIL(OTHER, int, mprotect, (void *at, size_t size, int access), (at, size, access))
MAY_FAIL(OTHER, int, __fxstatat,
	 (int version, int fd, const char *path, struct stat *status, int flags),
	 (version, fd, path, status, flags))

/* What the shim asks of the kernel by a number (shim/lib/system.h); others go through. */
static const struct call {
	long number;
	char name[12];
	enum kind kind;
} calls[] = {
	{ SYS_mkdirat, "mkdir", OTHER },       { SYS_linkat, "link", OTHER },
	{ SYS_unlinkat, "unlink", OTHER },     { SYS_fsync, "fsync", OTHER },
	{ SYS_madvise, "madvise", OTHER },     { SYS_uname, "uname", OTHER },
	{ SYS_prlimit64, "prlimit64", OTHER }, { SYS_socket, "socket", DESCRIPTOR },
	{ SYS_connect, "connect", OTHER },     { SYS_getsockopt, "getsockopt", OTHER },
	{ SYS_sendto, "send", OTHER },	       { SYS_recvmsg, "recvmsg", OTHER },
	{ SYS_getrandom, "getrandom", OTHER }, { SYS_openat, "openat", DESCRIPTOR },
	{ SYS_fcntl, "fcntl", DESCRIPTOR },    { SYS_close, "close", OTHER },
	{ SYS_read, "read", OTHER },	       { SYS_preadv, "pread", OTHER },
	{ SYS_write, "write", OTHER },	       { SYS_mmap, "mmap", ALLOCATION },
};

static long ask(long number, const long *arguments)
{
	return REAL(syscall)(number, arguments[0], arguments[1], arguments[2], arguments[3],
			     arguments[4], arguments[5]);
}

/* Moves one byte only: in the first buffer of several, or by the third argument, the second of
 * getrandom. */
static long ask_for_one(long number, long *arguments)
{
	struct msghdr *message = (struct msghdr *)arguments[1];
	struct iovec *first = number == SYS_recvmsg ? message->msg_iov :
			      number == SYS_preadv  ? (struct iovec *)arguments[1] :
						      NULL;
	size_t len = first ? first->iov_len : 0;
	long *count = number == SYS_getrandom ? &arguments[1] : &arguments[2];
	long got;

	if (first)
		first->iov_len = len > 0;
	else
		*count = *count > 0;
	got = ask(number, arguments);
	if (first)
		first->iov_len = len;
	return got;
}

long syscall(long number, ...)
{
	const struct call *call = calls, *end = calls + sizeof(calls) / sizeof(calls[0]);
	long arguments[6];
	enum how how;
	va_list list;
	int saved;

	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	while (call < end && call->number != number)
		call++;
	how = call < end ? of_shim(call->name, call->kind, CALLER) : PASS;
	saved = errno;
	/* The descriptor is closed all the same. */
	if (how != PASS && number == SYS_close) {
		ask(number, arguments);
		errno = saved;
	}
	if (how == FAIL || how == ZERO)
		return how == FAIL ? -1 : 0;
	return how == SHORT ? ask_for_one(number, arguments) : ask(number, arguments);
}

char *getcwd(char *folder, size_t size)
{
	return of_shim("getcwd", OTHER, CALLER) ? NULL : REAL(getcwd)(folder, size);
}
