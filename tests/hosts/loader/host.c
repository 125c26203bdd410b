// SPDX-License-Identifier: MIT
/*
 * Steps: linked | wrapper | wrapper-tails                     (built with -DLINKED, -DWRAPPED)
 *        plugin use|functions|tails|symbol PATH local|global|deepbind|new
 *        names PATH local|global|new [VERSION] | default [VERSION] | next | self
 */
#include "user.h"

#ifdef WRAPPED
void wrapper_use(void);
const struct functions *wrapper_tails(void);
#endif

const char *which(void);
const char *which(void)
{
	return "the host's";
}

static void *load(const char *path, const char *how)
{
	int flags = RTLD_NOW;
	void *handle;

	if (!strcmp(how, "global"))
		flags |= RTLD_GLOBAL;
	if (!strcmp(how, "deepbind"))
		flags |= RTLD_DEEPBIND;
	if (!strcmp(how, "lazy"))
		flags = RTLD_LAZY;
	if (!strcmp(how, "lazydeep"))
		flags = RTLD_LAZY | RTLD_DEEPBIND;
	handle = strcmp(how, "new") ? dlopen(path, flags) : dlmopen(LM_ID_NEWLM, path, flags);
	if (!handle) {
		printf("%s\n", dlerror());
		exit(3);
	}
	return handle;
}

/* What is there, and what dlerror says where it is not. */
static void use_names(void *handle, const char *version)
{
	struct functions functions;
	const char *error;

	dlerror();
#define FIND(name)                                                                                 \
	functions.name = (__typeof__(name) *)(version ? dlvsym(handle, #name, version) :           \
							dlsym(handle, #name));                     \
	error = dlerror();                                                                         \
	printf("%s: %s, %s\n", #name, functions.name ? "found" : "absent", error ? error : "no error");
	CURL_FUNCTIONS(FIND)
#undef FIND
	if (functions.curl_easy_init)
		use(&functions);
	dlsym(handle, "curl_no_such_function");
	error = dlerror();
	printf("%s\n", error ? error : "no error");
}

static char **step(char **arg)
{
	const char *verb = *arg++;

	printf("%s\n", verb);
	if (!strcmp(verb, "plugin")) {
		char name[64];
		void *found;

		snprintf(name, sizeof(name), "plugin_%s", arg[0]);
		found = dlsym(load(arg[1], arg[2]), name);
		if (!strcmp(arg[0], "use"))
			((void (*)(void))found)();
		else if (!strcmp(arg[0], "symbol"))
			printf("%s\n", ((const char *(*)(void))found)());
		else
			use(((const struct functions *(*)(void))found)());
		return arg + 3;
	}
	if (!strcmp(verb, "names")) {
		bool version = arg[2] && !strncmp(arg[2], "CURL_", 5);

		use_names(load(arg[0], arg[1]), version ? arg[2] : NULL);
		return arg + 2 + version;
	}
	if (!strcmp(verb, "default") || !strcmp(verb, "next")) {
		bool version = arg[0] && !strncmp(arg[0], "CURL_", 5);

		use_names(strcmp(verb, "next") ? RTLD_DEFAULT : RTLD_NEXT, version ? arg[0] : NULL);
		return arg + version;
	}
	if (!strcmp(verb, "self")) {
		use_names(dlopen(NULL, RTLD_NOW), NULL);
		return arg;
	}
#ifdef LINKED
	if (!strcmp(verb, "linked")) {
#define LINKED_FUNCTION(name) .name = name,
		use(&(struct functions){ CURL_FUNCTIONS(LINKED_FUNCTION) });
		return arg;
	}
#endif
#ifdef WRAPPED
	if (!strcmp(verb, "wrapper")) {
		wrapper_use();
		return arg;
	}
	if (!strcmp(verb, "wrapper-tails")) {
		use(wrapper_tails());
		return arg;
	}
#endif
	exit(4);
}

int main(int argc, char **argv)
{
	char **arg = argv + 1;

	(void)argc;
	while (*arg)
		arg = step(arg);
	return 0;
}
