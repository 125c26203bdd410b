# SPDX-License-Identifier: MIT
"""Libraries that have a few of libcurl's functions: stand-ins of a test, stubs that load the real one, wrappers.
Each function that is called is the one that is called without the shim, and nothing else is called of them."""

import subprocess

import pytest

from neutral import compare
from tags import CONTEXT, GENERIC, PLAIN

PREFIX = """
#define _GNU_SOURCE
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#undef curl_easy_setopt
"""
LIFE = """
CURL *curl_easy_init(void) { puts("init"); return malloc(8); }
void curl_easy_cleanup(CURL *e) { puts("cleanup"); free(e); }
"""
USE = """
CURLcode curl_easy_setopt(CURL *e, CURLoption o, ...) { printf("setopt %d\\n", o); return 0; }
CURLcode curl_easy_perform(CURL *e) { puts("perform"); return 0; }
"""
NEXT = "static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }"
LOAD = """
static void *next(const char *name) {
    static void *h; if (!h) h = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL); return dlsym(h, name);
}"""
FORWARD = """
CURL *curl_easy_init(void) { puts("init"); return ((CURL *(*)(void))next("curl_easy_init"))(); }
CURLcode curl_easy_perform(CURL *e) { puts("perform"); return ((CURLcode (*)(CURL *))next("curl_easy_perform"))(e); }
"""
FORWARD_ALL = FORWARD + """
void curl_easy_cleanup(CURL *e) { ((void (*)(CURL *))next("curl_easy_cleanup"))(e); }
CURLcode curl_easy_setopt(CURL *e, CURLoption o, ...) {
    va_list list; va_start(list, o);
    void *value = va_arg(list, void *);
    va_end(list);
    return ((CURLcode (*)(CURL *, CURLoption, ...))next("curl_easy_setopt"))(e, o, value);
}"""
GO = """
int go(void) {
    for (int i = 0; i < 2; i++) {
        CURL *e = curl_easy_init();
        if (!e) return 4;
        curl_easy_setopt(e, CURLOPT_URL, getenv("HOST_URL"));
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}");
        printf("%d\\n", curl_easy_perform(e));
        curl_easy_cleanup(e);
        fflush(stdout);
    }
    return 0;
}"""
LINKED = GO + "int main(void) { return go(); }"
LOADS = """
int main(int count, char **arguments) {
    void *h = dlopen(arguments[1], RTLD_NOW);
    return h ? ((int (*)(void))dlsym(h, "go"))() : 5;
}"""
# Made before one another; what follows "<" is linked with it. Then the command, and the requests.
CASES = {
    "a stand-in": ({"a": LIFE + USE, "host": (LINKED, "a")}, "host", 0),
    "a stand-in of two libraries": ({"a": LIFE, "b": USE, "host": (LINKED, "b a")}, "host", 0),
    "a stand-in in front of libcurl": ({"a": LIFE + USE, "host": (LINKED, "a curl")}, "host", 0),
    "a stand-in behind libcurl": ({"a": LIFE + USE, "host": (LINKED, "curl a")}, "host", 2),
    "a stand-in of a plugin": ({"a": LIFE + USE, "b": (GO, "a"), "host": (LOADS, "")}, "host b", 0),
    "a stand-in that is preloaded": ({"a": LIFE + USE, "host": (LINKED, "curl")}, "host", 0),
    "a wrapper": ({"a": NEXT + FORWARD, "host": (LINKED, "a curl")}, "host", 2),
    "a wrapper that is preloaded": ({"a": NEXT + FORWARD, "host": (LINKED, "curl")}, "host", 2),
    "a stub that loads libcurl": ({"a": LOAD + FORWARD_ALL, "host": (LINKED, "a")}, "host", 2),
    "a stub of a plugin": ({"a": LOAD + FORWARD_ALL, "b": (GO, "a"), "host": (LOADS, "")}, "host b", 2),
}


@pytest.mark.parametrize("case", CASES)
def test_partial(run, relay, shim, tmp_path, case):
    files, command, sent = CASES[case]
    for name, source in files.items():
        source, needed = source if isinstance(source, tuple) else (source, "")
        output = tmp_path / ("host" if name == "host" else f"lib{name}.so")
        (tmp_path / f"{name}.c").write_text(PREFIX + source)
        libraries = [f"-l{library}" for library in needed.split()]
        kind = [] if name == "host" else ["-fPIC", "-shared"]
        here = [f"-L{tmp_path}", f"-Wl,-rpath,{tmp_path},--no-as-needed"]
        subprocess.run(["cc", "-O1", "-w", *kind, "-o", output, tmp_path / f"{name}.c", *here, *libraries, "-ldl"], check=True)
    words = [str(tmp_path / (word if word == "host" else f"lib{word}.so")) for word in command.split()]
    env = CONTEXT | {"HOST_URL": relay.url + "/v1/chat/completions"}
    beside = str(tmp_path / "liba.so") if "preloaded" in case else ""
    bare = run(words, shim=beside, env=env)
    ours = run(words, shim=f"{shim}:{beside}" if beside else shim, env=env)
    assert b"init" in bare.stdout or "behind" in case
    # What a stub sends goes out as it is: the real one's handle is not known to have been made by the stub.
    compare(bare, ours, {"relay": [PLAIN if "stub" in case else GENERIC] * len(bare.requests)})
    assert len(bare.requests) == sent
