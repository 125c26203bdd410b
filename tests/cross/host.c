// SPDX-License-Identifier: MIT
/*
 * A host program that reaches libcurl, here libcurl_fake.c, in every way that the shim knows, and
 * asks the dynamic loader what must not depend on the shim. Each "== NAME" starts a section, which
 * test_cross.py compares with and without the shim. It finds its libraries by RUNPATH=$ORIGIN.
 */
#include "chat.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#ifndef __GLIBC__ /* musl knows no versions, and no such flag */
#define dlvsym(library, name, version) dlsym(library, name)
#define RTLD_DEEPBIND 0
#endif

void *curl_fake_next(const char *name);

static void section(const char *name)
{
	printf("== %s\n", name);
}

static void show_error(void)
{
	const char *text = dlerror();

	printf("%s\n", text ? text : "no error");
}

/* An address, by where it is: addresses themselves are new in every run. */
static void show_place(void *address)
{
	Dl_info info;

	if (!address)
		show_error();
	else if (dladdr(address, &info) && info.dli_sname)
		printf("%s in %s\n", info.dli_sname, info.dli_fname);
	else
		printf("nowhere\n");
}

static void chat_of_plugin(const char *file, int flags)
{
	void *plugin = dlopen(file, flags);
	void (*plugin_chat)(void) = plugin ? (void (*)(void))dlsym(plugin, "plugin_chat") : NULL;

	if (!plugin_chat) {
		show_error();
		return;
	}
	plugin_chat();
	dlclose(plugin); /* or the next dlopen of it would only count it once more */
}

static void chat_by_name(void *library, const char *version)
{
#define FIND(name) (version ? dlvsym(library, #name, version) : dlsym(library, #name))
	const struct api api = {
		(CURL * (*)(void)) FIND(curl_easy_init),
		(CURLcode(*)(CURL *, CURLoption, ...))FIND(curl_easy_setopt),
		(CURLcode(*)(CURL *))FIND(curl_easy_perform),
		(void (*)(CURL *))FIND(curl_easy_cleanup),
	};
#undef FIND

	if (api.init && api.setopt && api.perform && api.cleanup)
		chat(&api);
	show_error();
}

static void errors(void *libcurl)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW);

	show_place(dlopen("./absent.so", RTLD_NOW));
	show_place(dlopen("./absent.so", RTLD_NOW | RTLD_DEEPBIND));
	show_place(dlopen("absent.so", RTLD_NOW));
	show_place(dlsym(libcurl, "curl_absent"));
	show_place(dlsym(libc, "curl_easy_init"));
	show_place(dlvsym(libcurl, "curl_easy_init", "CURL_ABSENT_1"));
	show_place(dlvsym(libc, "curl_easy_init", "CURL_OPENSSL_4"));
	show_error();
}

int main(int argc, char **argv)
{
	static const struct api linked = {
		curl_easy_init, curl_easy_setopt, curl_easy_perform, curl_easy_cleanup,
	};
	void *libcurl;
	char *path;

	section("linked");
	chat(&linked);

	section("RUNPATH");
	chat_of_plugin("plugin.so", RTLD_NOW | RTLD_LOCAL);

	section("RTLD_DEEPBIND");
	if (asprintf(&path, "%.*s/plugin.so", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]) < 0)
		return 1;
	chat_of_plugin(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	free(path);

	libcurl = dlopen("libcurl.so.4", RTLD_NOW);
	section("dlsym");
	chat_by_name(libcurl, NULL);
	section("dlvsym");
	chat_by_name(libcurl, "CURL_OPENSSL_4");

	section("RTLD_NEXT");
	show_place(dlsym(RTLD_NEXT, "malloc"));
	show_place(curl_fake_next("malloc"));
	show_place(curl_fake_next("curl_easy_init"));

	section("errors");
	errors(libcurl);
	return 0;
}
