// SPDX-License-Identifier: MIT
/*
 * Finding the real libcurl (pitfalls 23, 24, 63). Asked once for a handle, when it is made; a
 * handle's later calls use the library in its record.
 *
 * The order that was right in every client that was measured: the scope of the calling object; the
 * next definition behind the shim; whatever libcurl is loaded. RTLD_NEXT alone finds nothing for a
 * plugin that was loaded RTLD_LOCAL, and the wrong flavour when there are two.
 */
#include "preload/libcurl.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/forkwipe.h"
#include "lib/limits.h"
#include "preload/next_symbol.h"

/* Any function that every libcurl has: its address tells which object is one. */
#define PROBE_SYMBOL "curl_easy_init"

struct function_row {
	char name[26];
	unsigned short offset; /* in struct library */
};

static const struct function_row functions[] = {
#define HOOK(name, result, arguments) { #name, offsetof(struct library, name) },
#define NEED(name, result, arguments) { #name, offsetof(struct library, name) },
#define DL_HOOK(name)
#include "preload/hooks.def"
#undef HOOK
#undef NEED
#undef DL_HOOK
};

/* All that were ever found, newest first. Only grows: a handle's record may name any of them. */
struct known {
	struct known *next;
	struct library library;
};
static struct known *all_known;
/* The first ones take no memory: without a record of its libcurl a host could not even send its
 * requests as they are. Debian has three flavours. */
#define FIRST_KNOWN 4
static struct known first_ones[FIRST_KNOWN];
static unsigned first_used;

/* What was found out about calling objects, in memory that a forked child finds empty. */
#define SCOPES_MAX 24 /* fits the page; more callers than that take turns */
struct scope {
	struct object caller;
	const struct library *library;
};
struct scopes {
	pthread_mutex_t lock;
	unsigned next;
	struct scope scope[SCOPES_MAX];
};
static struct forkwipe scopes_page;
_Static_assert(sizeof(struct scopes) <= FORKWIPE_BYTES, "the scopes fit their page");

bool library_is_shim(const void *address)
{
	static const char here;
	struct object shim;

	/* Any address of the shim's own will do. */
	return object_find(&here, &shim) && object_holds(&shim, address);
}

/* dlsym in the object's own scope: itself, then what it needs. */
static void *symbol_in_scope_of(const char *path, const char *name)
{
	real_dlopen_function *open = real_dlopen();
	void *handle, *symbol;

	/* The program itself has the empty name, and its scope starts with us: RTLD_NEXT serves. */
	if (!path || !path[0] || !open)
		return NULL;
	/* A link map is not a handle: dlsym on a start-up dependency's would crash (pitfall 63). */
	handle = open(path, RTLD_LAZY | RTLD_NOLOAD);
	if (!handle)
		return NULL;
	symbol = real_dlsym()(handle, name);
	real_dlclose()(handle);
	return symbol && !library_is_shim(symbol) ? symbol : NULL;
}

bool library_is_linked(const void *caller)
{
	struct object object;

	return real_dlsym()(RTLD_NEXT, PROBE_SYMBOL) ||
	       (object_find(caller, &object) &&
		symbol_in_scope_of(object.name, PROBE_SYMBOL));
}

static int name_of_libcurl(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *slash = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
	size_t len = slash ? strlen(info->dlpi_name) : 0;

	if (!slash || strncmp(slash, "/libcurl", 8) || len >= PATH_BYTES_MAX)
		return 0;
	memcpy(arg, info->dlpi_name, len + 1);
	return 1;
}

/* For a caller that has no libcurl of its own: libffi, or a host that got the function's address
 * from a plugin. */
static void *probe_of_any(void)
{
	char path[PATH_BYTES_MAX] = "";

	/* Only the name is taken inside: dlopen there would wait for the lock that the walk holds,
	 * with the locks in the other order than in a thread that is in dlopen. */
	dl_iterate_phdr(name_of_libcurl, path);
	return symbol_in_scope_of(path, PROBE_SYMBOL);
}

/* The probe function of the libcurl that a call from this object (NULL: from no object, as of
 * code that was generated at run time) is meant for, or NULL. *ret_lasting: it stays that one. */
static void *probe_for(const struct object *caller, bool *ret_lasting)
{
	const char *path = caller ? caller->name : NULL;
	void *symbol = symbol_in_scope_of(path, PROBE_SYMBOL);

	*ret_lasting = symbol != NULL;
	if (symbol)
		return symbol;
	symbol = real_dlsym()(RTLD_NEXT, PROBE_SYMBOL);
	if (symbol) {
		*ret_lasting = path && !path[0];
		return symbol;
	}
	return probe_of_any();
}

static void fill(struct library *library, const struct object *object)
{
	void *next = real_dlsym()(RTLD_NEXT, PROBE_SYMBOL);
	/* What stands behind us for everybody: then each function is the next one, so that another
	 * preload, which may have only some of them, keeps its turn. */
	bool behind = next && object_holds(object, next);

	library->object = *object;
	library->whole = true;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *symbol = behind ? real_dlsym()(RTLD_NEXT, functions[i].name) :
					symbol_in_scope_of(object->name, functions[i].name);

		memcpy((char *)library + functions[i].offset, &symbol, sizeof(symbol));
		library->whole = library->whole && symbol;
	}
	/* What was learned of another one in the same place holds no more. */
	url_cache_invalidate();
	library->url_api = (struct url_api){
		.url = library->curl_url,
		.set = library->curl_url_set,
		.get = library->curl_url_get,
		.cleanup = library->curl_url_cleanup,
		.free = library->curl_free,
	};
}

static struct known *first_known(void)
{
	return __atomic_load_n(&all_known, __ATOMIC_ACQUIRE);
}

static bool same_library(const struct library *a, const struct library *b)
{
	/* All functions stand in one row of pointers. */
	const char *functions_a = (const char *)a + functions[0].offset;
	const char *functions_b = (const char *)b + functions[0].offset;
	size_t bytes = sizeof(functions) / sizeof(functions[0]) * sizeof(void *);

	return a->object.map == b->object.map && a->object.start == b->object.start &&
	       a->object.end == b->object.end && !memcmp(functions_a, functions_b, bytes);
}

static struct known *new_known(void)
{
	unsigned used = __atomic_load_n(&first_used, __ATOMIC_RELAXED);

	while (used < FIRST_KNOWN) {
		if (__atomic_compare_exchange_n(&first_used, &used, used + 1, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return &first_ones[used];
	}
	return malloc(sizeof(struct known));
}

/* The record is made at need. No lock: two threads that are
 * here at once may make two records, which is as good as one. */
const struct library *library_at(const void *function)
{
	struct library found = { .whole = false };
	struct object object;
	struct known *made;

	if (!object_find(function, &object))
		return NULL;
	fill(&found, &object);
	for (struct known *known = first_known(); known; known = known->next) {
		if (same_library(&known->library, &found))
			return &known->library;
	}
	made = new_known();
	if (!made)
		return NULL;
	made->library = found;
	made->next = first_known();
	while (!__atomic_compare_exchange_n(&all_known, &made->next, made, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE))
		;
	return &made->library;
}

static const struct library *recall(const void *caller)
{
	struct scopes *scopes = forkwipe_get(&scopes_page);
	struct scope found = { .library = NULL };

	if (!scopes)
		return NULL;
	pthread_mutex_lock(&scopes->lock);
	for (unsigned i = 0; i < SCOPES_MAX && !found.library; i++) {
		if (object_holds(&scopes->scope[i].caller, caller))
			found = scopes->scope[i];
	}
	pthread_mutex_unlock(&scopes->lock);
	/* Checked without the lock: this may ask the dynamic loader. */
	if (!found.library || !object_is_same(&found.caller) ||
	    !object_is_same(&found.library->object))
		return NULL;
	return found.library;
}

static void remember(const struct object *caller, const struct library *library)
{
	struct scopes *scopes = forkwipe_get(&scopes_page);
	unsigned i;

	if (!scopes)
		return;
	pthread_mutex_lock(&scopes->lock);
	/* What was there at this address before is gone. */
	for (i = 0; i < SCOPES_MAX; i++) {
		if (scopes->scope[i].caller.start == caller->start)
			break;
	}
	if (i == SCOPES_MAX)
		i = scopes->next++ % SCOPES_MAX;
	scopes->scope[i].caller = *caller;
	scopes->scope[i].library = library;
	pthread_mutex_unlock(&scopes->lock);
}

static const struct library *search(const void *caller, bool *ret_inside)
{
	const struct library *library;
	struct object object;
	bool known = object_find(caller, &object), lasting;
	void *probe = probe_for(known ? &object : NULL, &lasting);

	library = probe ? library_at(probe) : NULL;
	*ret_inside = library && library_holds(library, caller);
	if (library && known && lasting && !*ret_inside)
		remember(&object, library);
	return library;
}

const struct library *library_of_caller(const void *caller, bool *ret_inside)
{
	const struct library *library;
	int saved = errno;

	*ret_inside = false;
	for (struct known *known = first_known(); known; known = known->next) {
		if (library_holds(&known->library, caller) &&
		    object_is_same(&known->library.object)) {
			*ret_inside = true;
			return &known->library;
		}
	}
	library = recall(caller);
	if (!library)
		library = search(caller, ret_inside);
	errno = saved;
	return library;
}
