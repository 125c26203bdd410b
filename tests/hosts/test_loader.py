# SPDX-License-Identifier: MIT
"""Which libcurl is called is decided by the loader alone: every way to one, with the shim and without it.

The libcurls are made up (loader/libcurl.c) and say which of their functions is called; a handle that goes
to another one than its own is an abort. The matrix: how a host comes to a libcurl, how two libcurls differ
(versions, sonames, build ids, inner calls that show or not). Then single hosts of other kinds, with the
system's libcurl.
"""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from neutral import compare
from tags import CONTEXT, GENERIC

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = Path(__file__).resolve().parent / "loader"
FLAGS = ["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", f"-I{SOURCES}"]


def cc(*arguments):
    subprocess.run(["cc", *FLAGS, *map(str, arguments)], check=True)


# Versions of the two libcurls, A that the host is linked with, and B of the plugin.
PAIRS = {
    "two versions": ("CURL_OPENSSL_4", "CURL_GNUTLS_3"),
    "B without version": ("CURL_OPENSSL_4", None),
    "A without version": (None, "CURL_OPENSSL_4"),
    "none": (None, None),
    "the same version": ("CURL_OPENSSL_4", "CURL_OPENSSL_4"),
    "unknown versions": ("CURL_OTHER_9", "CURL_ANOTHER_7"),
}
BUILDS = {
    "plain": ([], ["-Wl,--build-id=sha1"]),
    "hidden inner calls": (["-Wl,-Bsymbolic"], ["-Wl,--build-id=sha1"]),
    "no build id": ([], ["-Wl,--build-id=none"]),
    "lazy, old hash": (["-Wl,-z,lazy", "-Wl,--hash-style=sysv"], ["-Wl,--build-id=none"]),
    # As prelinked: each wants the same place, and all but the first are moved.
    "linked for an address": ([], ["-Wl,--build-id=sha1", "-Wl,-Ttext-segment=0x7000000000"]),
    "linked for a low address": ([], ["-Wl,--build-id=none", "-Wl,-Ttext-segment=0x400000"]),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """built(pair, build): a folder with libcurl-a.so, libcurl-b.so, plugins and hosts."""
    folders = {}

    def built(pair, build):
        if (pair, build) in folders:
            return folders[pair, build]
        folder = folders[pair, build] = tmp_path_factory.mktemp("loader")
        symbolic, ids = BUILDS[build]
        for letter, version in zip("ab", PAIRS[pair]):
            script = folder / f"{letter}.map"
            script.write_text(f"{version} {{ global: curl_*; local: *; }};")
            versions = [f"-Wl,--version-script={script}"] if version else []
            library = folder / f"libcurl-{letter}.so"
            cc("-fPIC", "-shared", f'-DFLAVOUR="{letter}"', f"-Wl,-soname,libcurl-{letter}.so", *versions,
               *symbolic, *ids, "-o", library, SOURCES / "libcurl.c")
        here = ["-Wl,-rpath,$ORIGIN,--enable-new-dtags", f"-L{folder}"]
        shared = ["-fPIC", "-shared", *here, *ids, SOURCES / "plugin.c"]
        cc(*shared, "-o", folder / "plugin-a.so", "-l:libcurl-a.so")
        cc(*shared, "-o", folder / "plugin-b.so", "-l:libcurl-b.so")
        cc(*shared, "-DINSIDE", '-DFLAVOUR="inside"', "-o", folder / "plugin-inside.so")
        cc(*shared, "-DWRAPPER", "-o", folder / "libwrapper-b.so", "-l:libcurl-b.so")
        host = [*here, "-rdynamic", SOURCES / "host.c", "-ldl"]
        cc(*host, "-o", folder / "host")
        cc(*host, "-DLINKED", "-o", folder / "host-a", "-l:libcurl-a.so")
        cc(*host, "-DLINKED", "-DWRAPPED", "-o", folder / "host-wrapped", "-l:libcurl-a.so", "-lwrapper-b")
        return folder

    return built


# Program, and its steps.
WAYS = {
    "linked": ("host-a", "linked"),
    "wrapper": ("host-wrapped", "linked wrapper linked"),
    "wrapper with tail calls": ("host-wrapped", "wrapper-tails linked wrapper-tails"),
    "linked, asks RTLD_DEFAULT": ("host-a", "default linked"),
    "linked, asks RTLD_DEFAULT for a version": ("host-a", "default CURL_OPENSSL_4 linked"),
    "linked, asks RTLD_NEXT": ("host-a", "next"),
    "linked, asks itself": ("host-a", "self"),
    "none, asks RTLD_DEFAULT": ("host", "default"),
    "none, asks RTLD_NEXT": ("host", "next"),
    "none, asks itself": ("host", "self"),
    "plugin from another": ("host", "plugin use plugin-b.so local"),
    "dlsym": ("host", "names libcurl-a.so local names libcurl-b.so local"),
    "dlsym, linked": ("host-a", "names libcurl-b.so local linked names libcurl-a.so local"),
    "dlsym, global": ("host", "names libcurl-a.so global default names libcurl-b.so local"),
    "dlvsym": ("host", "names libcurl-a.so local CURL_OPENSSL_4 names libcurl-b.so local CURL_GNUTLS_3"),
    "dlmopen": ("host", "names libcurl-a.so new"),
    "dlmopen, linked": ("host-a", "names libcurl-a.so new linked names libcurl-b.so new linked"),
    "dlmopen, plugin": ("host-a", "plugin use plugin-b.so new linked plugin tails plugin-b.so new"),
    "a plugin with its own": ("host", "plugin use plugin-inside.so local"),
    "a plugin with its own, linked": ("host-a", "plugin use plugin-inside.so local linked"),
    "a plugin with its own, RTLD_DEEPBIND": ("host-a", "plugin use plugin-inside.so deepbind linked"),
    "two plugins in turns": ("host", "plugin use plugin-a.so local plugin use plugin-b.so local plugin use plugin-a.so "
                             "local"),
    "two global plugins": ("host", "plugin use plugin-a.so global plugin use plugin-b.so global default"),
    "a global one first": ("host", "plugin use plugin-a.so global plugin use plugin-b.so local default"),
}
for _how in ("local", "lazy", "deepbind"):
    for _what in ("functions", "tails"):
        _lend = " ".join(f"plugin {_what} plugin-{_letter}.so {_how}" for _letter in "abab")
        WAYS[f"two plugins lend {_what}, {_how}"] = ("host", _lend)
        _lend = " ".join(f"plugin {_what} plugin-{_letter}.so {_how}" for _letter in ("b", "inside", "a", "inside", "b"))
        WAYS[f"three plugins lend {_what}, {_how}"] = ("host", _lend)
for _how in ("local", "global", "deepbind", "lazy", "lazydeep"):
    for _what in ("use", "functions", "tails"):
        WAYS[f"plugin, {_what}, {_how}"] = ("host", f"plugin {_what} plugin-b.so {_how}")
        WAYS[f"plugin, {_what}, {_how}, linked"] = ("host-a", f"plugin {_what} plugin-b.so {_how} linked")

@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("pair", PAIRS)
def test_which_libcurl(run, built, shim, pair, build):
    folder, wrong = built(pair, build), []
    for way, (program, steps) in WAYS.items():
        words = [str(folder / word) if word.endswith(".so") else word for word in steps.split()]
        bare = run([str(folder / program), *words], shim=None, env=CONTEXT)
        shimmed = run([str(folder / program), *words], shim=shim, env=CONTEXT)
        assert b"init" in bare.stdout or "none" in way or "asks" in way or "dl" in way, bare
        if bare.rc == -6 == shimmed.rc:
            continue  # two libcurls of one version call each other's inner functions: broken without us, too
        # Where the program itself asks for a version that is only ours, the message has lost it.
        said = [
            result.stdout.replace(b"version (none)", b"version CURL_OPENSSL_4")
            if "RTLD_DEFAULT for a version" in way
            else result.stdout
            for result in (bare, shimmed)
        ]
        if bare.rc != shimmed.rc or said[0] != said[1] or bare.stderr != shimmed.stderr:
            wrong.append((way, bare, shimmed))
    assert not wrong, "\n".join(f"{way}:\n{bare}\n{shimmed}" for way, bare, shimmed in wrong)


# --- Single hosts ---

HOSTS = {
    # name: (source, how the host is linked, what the library is built of)
    "weak": ("""
        #pragma weak curl_easy_init
        #pragma weak curl_multi_cleanup
        #pragma weak curl_global_init
        int main(void) {
            printf("%d %d %d\\n", curl_easy_init != 0, curl_multi_cleanup != 0, curl_global_init != 0);
            return curl_easy_init ? curl_global_init(CURL_GLOBAL_ALL) : 0;
        }""", []),
    "weak, linked": ("""
        #pragma weak curl_easy_init
        #pragma weak curl_global_init
        int main(void) {
            printf("%d %d\\n", curl_easy_init != 0, curl_global_init != 0);
            curl_global_init(CURL_GLOBAL_ALL); CURL *e = curl_easy_init(); post(e); curl_easy_cleanup(e); return 0;
        }""", ["-Wl,--no-as-needed", "-lcurl"]),
    "weak in a table": ("""
        #pragma weak curl_easy_perform
        static void *const table[] = {(void *)curl_easy_perform, (void *)puts};
        int main(void) { printf("%d %d\\n", table[0] != 0, table[1] != 0); return 0; }""", []),
    "weak, position dependent": ("""
        #pragma weak curl_easy_init
        int main(void) { printf("%d\\n", curl_easy_init != 0); return 0; }""", ["-no-pie", "-fno-pie"]),
    "weak, bound at once": ("""
        #pragma weak curl_easy_init
        int main(void) { printf("%d\\n", curl_easy_init != 0); return 0; }""", ["-Wl,-z,now,-z,relro"]),
    "weak, later a global libcurl": ("""
        #pragma weak curl_easy_init
        int main(void) {
            void *h = dlopen("libcurl.so.4", RTLD_NOW | RTLD_GLOBAL);
            printf("%d %d\\n", h != 0, curl_easy_init != 0);
            CURL *(*init)(void) = (CURL *(*)(void))dlsym(RTLD_DEFAULT, "curl_easy_init");
            printf("%d\\n", init != 0); return 0;
        }""", []),
    "functions of libc's names": ("""
        #define MINE(name) long mine_##name(void) __asm__(#name); long mine_##name(void) { fputs("the host's " #name, stderr); abort(); }
        MINE(access) MINE(link) MINE(getcwd) MINE(syscall) MINE(poll) MINE(openat) MINE(madvise) MINE(getrandom) MINE(mkdir)
        MINE(secure_getenv) MINE(connect) MINE(geteuid) MINE(unlink) MINE(gethostname) MINE(pread) MINE(sched_yield)
        MINE(getauxval) MINE(fsync) MINE(recvmsg) MINE(mprotect) MINE(fstatat) MINE(clock_gettime) MINE(getsockopt)
        MINE(strcspn) MINE(memmove) MINE(strspn) MINE(strchrnul) MINE(strnlen)
        MINE(strcmp) MINE(strncmp) MINE(strrchr) MINE(strstr) MINE(strchr) MINE(memchr) MINE(memcmp) MINE(strlen) MINE(memcpy)
        int main(void) {
            void *h = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
            #define FIND(name) __typeof__(name) *my_##name = (__typeof__(name) *)dlsym(h, #name);
            FIND(curl_easy_init) FIND(curl_easy_setopt) FIND(curl_easy_perform) FIND(curl_easy_cleanup)
            CURL *e = my_curl_easy_init();
            (my_curl_easy_setopt)(e, CURLOPT_URL, getenv("HOST_URL"));
            (my_curl_easy_setopt)(e, CURLOPT_POSTFIELDS, "{}");
            printf("%d\\n", my_curl_easy_perform(e));
            my_curl_easy_cleanup(e); return 0;
        }""", ["-rdynamic"]),
    "an allocator of its own": ("""
        void *__libc_malloc(size_t); void __libc_free(void *);
        static int mallocs;
        void *malloc(size_t n) { mallocs++; return __libc_malloc(n); }
        int main(void) { CURL *e = curl_easy_init(); post(e); curl_easy_cleanup(e); printf("%d\\n", mallocs > 0); return 0; }
        """, ["-rdynamic", "-lcurl", "-lpthread"]),
    "an allocator that is not reentrant, and fills": ("""
        static char heap[64 << 20], *next = heap; static int inside;
        static void enter(void) { if (__atomic_exchange_n(&inside, 1, __ATOMIC_ACQUIRE)) abort(); }
        static void leave(void) { __atomic_store_n(&inside, 0, __ATOMIC_RELEASE); }
        void *malloc(size_t n) {
            enter(); size_t *p = (size_t *)next; next += (n + 47) & ~(size_t)15; if (next > heap + sizeof(heap)) abort();
            p[0] = n; for (size_t i = 0; i < n; i++) ((char *)(p + 2))[i] = (char)0xa5; leave(); return p + 2; }
        void free(void *p) { if (!p) return; enter(); for (size_t i = 0; i < ((size_t *)p)[-2]; i++) ((char *)p)[i] = 0x5a; leave(); }
        void *calloc(size_t a, size_t b) { char *p = malloc(a * b); for (size_t i = 0; i < a * b; i++) p[i] = 0; return p; }
        void *realloc(void *old, size_t n) {
            char *p = malloc(n); size_t had = old ? ((size_t *)old)[-2] : 0;
            for (size_t i = 0; i < n && i < had; i++) p[i] = ((char *)old)[i];
            free(old); return p; }
        int main(void) {
            for (int i = 0; i < 3; i++) { CURL *e = curl_easy_init(); post(e); post(e); curl_easy_cleanup(e); }
            return 0;
        }""", ["-rdynamic", "-lcurl", "-lpthread"]),
    "asks for all names": ("""
        int main(void) {
            const char *const names[] = {"curl_easy_init", "curl_easy_setopt", "curl_easy_perform", "curl_easy_reset",
                "curl_easy_duphandle", "curl_easy_cleanup", "curl_multi_add_handle", "curl_multi_remove_handle",
                "curl_multi_cleanup", "curl_easy_getinfo", "curl_nothing", "dlsym"};
            void *const handles[] = {RTLD_DEFAULT, RTLD_NEXT, dlopen(NULL, RTLD_NOW), dlopen("libc.so.6", RTLD_NOW)};
            for (int h = 0; h < 4; h++) for (int n = 0; n < 12; n++) {
                dlerror();
                void *f = dlsym(handles[h], names[n]);
                const char *e = dlerror();
                printf("%d %s %d %s\\n", h, names[n], f != 0, e ? e : "-");
                printf("%d\\n", dlerror() != 0);
            }
            return 0;
        }""", ["-ldl"]),
    "dlerror is kept over requests": ("""
        int main(void) {
            dlsym(RTLD_DEFAULT, "no_such_thing");
            CURL *e = curl_easy_init(); post(e); curl_easy_cleanup(e);
            const char *error = dlerror(); printf("%s\\n", error ? error : "-");
            error = dlerror(); printf("%s\\n", error ? error : "-");
            return 0;
        }""", ["-lcurl", "-ldl"]),
    "a request while dlopen waits for it": ("""
        static CURL *e;
        static void *request(void *a) { post(e); return a; }
        static int visit(struct dl_phdr_info *i, size_t n, void *a) {
            pthread_t t; (void)i; (void)n; (void)a;
            pthread_create(&t, 0, request, 0); pthread_join(t, 0); return 1;
        }
        int main(void) { curl_global_init(CURL_GLOBAL_ALL); e = curl_easy_init(); dl_iterate_phdr(visit, 0); return 0; }
        """, ["-lcurl", "-lpthread"]),
    "handles while libraries come and go": ("""
        static volatile int stop;
        static void *loader(void *a) {
            while (!stop) { void *h = dlopen("libcurl-gnutls.so.4", RTLD_NOW); if (h) dlclose(h); }
            return a;
        }
        int main(void) {
            pthread_t t; void *h = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
            CURL *(*init)(void) = (CURL *(*)(void))dlsym(h, "curl_easy_init");
            void (*cleanup)(CURL *) = (void (*)(CURL *))dlsym(h, "curl_easy_cleanup");
            pthread_create(&t, 0, loader, 0);
            for (int i = 0; i < 300; i++) { dlsym(h, "curl_easy_init"); cleanup(init()); }
            stop = 1; pthread_join(t, 0); puts("done"); return 0;
        }""", ["-lpthread", "-ldl"]),
    "a function pointer across a fork": ("""
        int main(void) {
            CURL *(*volatile init)(void) = curl_easy_init; int s;
            if (!fork()) { CURL *e = init(); post(e); curl_easy_cleanup(e); fflush(stdout); _exit(0); }
            wait(&s); printf("%d\\n", s); CURL *e = init(); post(e); curl_easy_cleanup(e); return 0;
        }""", ["-lcurl"]),
    "a plugin's constructor and destructor wait for a request": ("""
        static void *request(void *a) { CURL *e = curl_easy_init(); post(e); curl_easy_cleanup(e); return a; }
        static void wait_for_it(void) { pthread_t t; pthread_create(&t, 0, request, 0); pthread_join(t, 0); fflush(stdout); }
        #ifdef PLUGIN
        __attribute__((constructor)) static void begin(void) { wait_for_it(); }
        __attribute__((destructor)) static void end(void) { wait_for_it(); }
        #else
        int main(void) { void *h = dlopen(getenv("HOST_PLUGIN"), RTLD_NOW); printf("%d\\n", h != 0); return dlclose(h); }
        #endif
        """, ["-lcurl", "-lpthread", "-ldl"]),
    "functions by version, mixed with linked calls": ("""
        #undef curl_easy_setopt
        int main(void) {
            struct curl_slist *list = curl_slist_append(0, "X-Own: 1");
            for (int i = 0; i < 8; i++) {
                #define PICK(bit, name) __typeof__(name) *my_##name = i & bit ? dlvsym(RTLD_DEFAULT, #name, "CURL_OPENSSL_4") : 0; \\\\
                    if (!my_##name) my_##name = name;
                PICK(1, curl_easy_init) PICK(2, curl_easy_setopt) PICK(4, curl_easy_perform)
                CURL *e = my_curl_easy_init();
                my_curl_easy_setopt(e, CURLOPT_URL, getenv("HOST_URL")); my_curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}");
                my_curl_easy_setopt(e, CURLOPT_HTTPHEADER, list);
                printf("%d\\n", my_curl_easy_perform(e)); printf("%d\\n", my_curl_easy_perform(e));
                curl_easy_cleanup(e);
            }
            return 0;
        }""", ["-lcurl", "-ldl"]),
    "dlopen of names, of nothing, of itself": ("""
        int main(void) {
            const char *const files[] = {"libm.so.6", "/no/such.so", "no-such.so", "", "/etc/passwd", "$ORIGIN/x.so"};
            for (int i = 0; i < 6; i++) for (int deep = 0; deep < 2; deep++) {
                void *h = dlopen(files[i], RTLD_NOW | (deep ? RTLD_DEEPBIND : 0));
                const char *e = dlerror(); printf("%s %d %s\\n", files[i], h != 0, e ? e : "-");
            }
            void *h = dlopen(NULL, 0x4000); const char *e = dlerror(); printf("%d %s\\n", h != 0, e ? e : "-");
            return 0;
        }""", ["-ldl"]),
}
PREFIX = """
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "post.h"
"""
POST = """
#define post(e) (curl_easy_setopt(e, CURLOPT_URL, getenv("HOST_URL")), curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}"), \\
    printf("%d\\n", curl_easy_perform(e)))
"""
# Requests that a host makes of its own, each of which is to be tagged.
REQUESTS = {
    "weak, linked": 1, "functions of libc's names": 1, "an allocator of its own": 1, "dlerror is kept over requests": 1,
    "an allocator that is not reentrant, and fills": 6,
    "a request while dlopen waits for it": 1, "a function pointer across a fork": 2,
    "a plugin's constructor and destructor wait for a request": 2, "functions by version, mixed with linked calls": 16,
}


@pytest.mark.parametrize("name", HOSTS)
def test_host(neutral, relay, tmp_path, name):
    source, libraries = HOSTS[name]
    (tmp_path / "host.c").write_text(PREFIX + source.replace("\\\\", "\\"))
    (tmp_path / "post.h").write_text(POST)
    plugin = tmp_path / "plugin.so"
    kinds = [["-o", tmp_path / "host"], ["-DPLUGIN", "-shared", "-fPIC", "-o", plugin]]
    for kind in kinds[: 1 + ("PLUGIN" in source)]:
        subprocess.run(["cc", "-O1", "-w", f"-I{tmp_path}", *kind, tmp_path / "host.c", *libraries], check=True)
    result = neutral(
        [str(tmp_path / "host")], [GENERIC] * REQUESTS.get(name, 0), one_trace=False, own=["X-Own"],
        env=CONTEXT | {"HOST_URL": relay.url + "/v1/chat/completions", "HOST_PLUGIN": str(plugin)},
    )
    assert result.rc == 0


RACE = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static volatile int stop;
static void *loader(void *path)
{
	while (!stop) {
		void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (!plugin || dlclose(plugin))
			puts(dlerror());
	}
	return path;
}
int main(int count, char **arguments)
{
	pthread_t thread[2];
	void *libcurl = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, loader, arguments[2]);
	for (int i = 0; i < 1000; i++) {
		void *other = dlopen("libm.so.6", RTLD_NOW);

		dlsym(other, "cos");
		dlclose(other);
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("%d\\n", libcurl && dlsym(libcurl, "curl_easy_init"));
}
"""


def test_plugins_come_and_go(run, built, shim, tmp_path):
    """Nothing is read of what another thread unloads."""
    folder = built("the same version", "plain")
    (tmp_path / "race.c").write_text(RACE)
    subprocess.run(["cc", "-O1", "-w", "-o", tmp_path / "race", tmp_path / "race.c", "-lpthread", "-ldl"], check=True)
    result = run([tmp_path / "race", folder / "libcurl-a.so", folder / "plugin-b.so"], shim=shim)
    assert (result.rc, result.stdout, result.stderr) == (0, b"1\n", b"")


def test_deepbind_is_kept(run, built, shim):
    """A plugin's function of the same name as the host's is the plugin's own."""
    folder = built("two versions", "plain")
    command = [str(folder / "host"), "plugin", "symbol", str(folder / "plugin-b.so"), "deepbind"]
    assert run(command, shim=None).stdout == run(command, shim=shim).stdout == b"plugin\nthe plugin's\n"


@pytest.mark.parametrize("separator", [":", " "])
def test_two_copies(neutral, run, relay, shim, tmp_path, separator):
    """Of two files of the library the first works, and the second is passed over."""
    copy = tmp_path / "libtagalong-copy.so"
    copy.write_bytes(Path(shim).read_bytes())
    command = ["curl", "-s", "-d", "{}", relay.url + "/v1/chat/completions"]
    bare = run(command, shim=None)
    both = run(command, shim=f"{shim}{separator}{copy}")
    compare(bare, both, {"relay": [GENERIC]})


def test_python_asks(neutral):
    script = """
import ctypes
program = ctypes.CDLL(None)
print(hasattr(program, "curl_easy_init"), hasattr(program, "curl_nothing"), hasattr(program, "printf"))
try:
    program.curl_easy_setopt
except AttributeError as error:
    print(error)
"""
    assert neutral(["/usr/bin/python3", "-c", script], []).rc == 0


THROWS = """
#include <curl/curl.h>
#include <dlfcn.h>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

static void *find(void *library, const char *name, const char *version = nullptr)
{
	dlerror();
	void *found = version ? dlvsym(library, name, version) : dlsym(library, name);
	const char *error = dlerror();

	if (error) /* a dlerror() of NULL would end the process here, and did */
		throw std::runtime_error(error);
	if (!found)
		throw std::logic_error(std::string("nothing, and no error for ") + name);
	return found;
}
int main()
{
	void *const places[] = {RTLD_DEFAULT, RTLD_NEXT, dlopen(nullptr, RTLD_NOW), dlopen(getenv("LIBRARY"), RTLD_NOW)};
	const char *const versions[] = {nullptr, "CURL_OPENSSL_4", "CURL_NONE_1"};

	for (void *place : places)
		for (const char *name : {"curl_easy_init", "curl_easy_perform", "curl_multi_cleanup", "curl_none", "puts"})
			for (const char *version : versions)
				try {
					find(place, name, version);
					printf("%s is there\\n", name);
				} catch (const std::exception &error) {
					puts(error.what());
				}
	try {
		auto init = (decltype(&curl_easy_init))find(places[3], "curl_easy_init");
		auto setopt = (decltype(&curl_easy_setopt))find(places[3], "curl_easy_setopt");
		auto perform = (decltype(&curl_easy_perform))find(places[3], "curl_easy_perform");
		CURL *easy = init();

		setopt(easy, CURLOPT_URL, getenv("HOST_URL"));
		setopt(easy, CURLOPT_POSTFIELDS, "{}");
		printf("%d\\n", perform(easy));
	} catch (const std::exception &error) {
		puts(error.what());
	}
}
"""


@pytest.mark.parametrize("library, linked", [("libcurl.so.4", False), ("libcurl.so.4", True), ("libm.so.6", False)])
def test_an_error_that_is_thrown(run, relay, tmp_path, library, linked):
    """What dlerror() says is made an exception, as wrappers in C++ do."""
    source, program = tmp_path / "throws.cc", tmp_path / "throws"
    source.write_text(THROWS)
    libraries = ["-Wl,--no-as-needed", "-lcurl"] if linked else ["-ldl"]
    subprocess.run(["c++", "-O1", "-w", "-std=c++17", "-D_GNU_SOURCE", "-o", program, source, *libraries], check=True)
    env = CONTEXT | {"HOST_URL": relay.url + "/v1/chat/completions", "LIBRARY": library}
    bare, ours = (run([str(program)], env=env, **how) for how in ({"shim": None}, {}))
    assert b"nothing, and no error" not in ours.stdout and b"CURL_NONE_1" in ours.stdout
    if not linked:  # where the program itself asks for a version that is only ours, the message has lost it
        bare, ours = (replace(each, stdout=re.sub(rb"version (CURL_OPENSSL_4|\(none\))", b"version", each.stdout))
                      for each in (bare, ours))
    compare(bare, ours, {"relay": [GENERIC] * (library == "libcurl.so.4")})
