# SPDX-License-Identifier: MIT
"""The one library in a system with musl: it loads, it changes nothing, and it tags (tests/musl/root.py)."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import grants

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bench"), str(HERE.parent / "hosts")]

import faulty  # noqa: E402
from neutral import compare  # noqa: E402
from root import LIBRARY, WORK, compile_host, foreign, make_root  # noqa: E402
from servers import BUILD, start_service  # noqa: E402
from tags import CONTEXT, GENERIC, PLAIN  # noqa: E402
from test_odd import MODES, TAGS, UNORDERED  # noqa: E402
from test_signals import MODES as HANDLERS  # noqa: E402


@pytest.fixture(scope="session")
def root():
    return make_root()


@pytest.fixture
def inside(run, root):
    """inside(command, tags): the command in the root, without and with the library, compared."""

    def inside(command, expect=(), env=CONTEXT, own=(), **how):
        results = []
        for preload in ("", "/lib/libtagalong.so"):
            words = [*grants.CHROOT, str(root), "/bin/busybox", "env", f"LD_PRELOAD={preload}", *command]
            results.append(run(words, shim=None, env=env))
        compare(*results, {"relay": list(expect)}, own, **how)
        assert results[1].rc == 0, results[1]
        return results[1]

    return inside


PROGRAMS = {
    "shell": "echo $((6*7)); for i in 1 2 3; do echo $i; done | cat",
    "list": "ls /bin /lib | sort",
    "pipes": "seq 100 | wc -l; (exit 3); echo $?",
    "environment": "env | sort > /tmp/environment; wc -c < /tmp/environment > /tmp/count; true",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(inside, name):
    inside(["/bin/sh", "-c", f"PATH=/bin; {PROGRAMS[name]}"])


def test_curl(inside, relay):
    chat = relay.url + "/v1/chat/completions"
    inside(["/bin/curl", "-s", "-d", "{}", "-H", "X-Own: 1", chat], [GENERIC], own=["X-Own"])
    inside(["/bin/curl", "-s", "-d", "{}", chat, chat], [GENERIC] * 2)
    inside(["/bin/curl", "-s", relay.url + "/v1/models"], [PLAIN])
    inside(["/bin/curl", "-s", "-d", "{}", chat], [PLAIN], env=CONTEXT | {"TAGALONG_OFF": "1"})


def test_the_alpine_recipe(run, root, relay):
    """What its Dockerfile copies and sets is enough."""
    block = re.search(r"```dockerfile alpine\n(.*?)```", (HERE.parents[1] / "docs/recipes.md").read_text(), re.DOTALL)[1]
    words = block.replace("\\\n", " ").replace("https://relay.example.com", relay.url).split()
    name, folder = words[words.index("COPY") + 1 :][:2]
    (root / folder.strip("/")).mkdir(parents=True, exist_ok=True)
    shutil.copy(LIBRARY, root / folder.strip("/") / name)
    env = dict(word.split("=", 1) for word in words[words.index("ENV") + 1 :])
    assert env["LD_PRELOAD"] == folder + name
    command = ["/bin/busybox", "env", *(f"{key}={value}" for key, value in env.items()), "TAGALONG_TASK_ID=T-42"]
    command += ["/bin/curl", "-s", "-d", "{}", relay.url + "/v1/chat/completions"]
    result = run([*grants.CHROOT, str(root), *command], shim=None, env={})
    assert [request.value("X-Task-Id") for request in result.requests] == ["T-42"], result


def test_curl_in_parallel(inside, relay):
    chat = relay.url + "/v1/chat/completions"
    inside(["/bin/curl", "-sS", "--no-progress-meter", "-Z", "-d", "{}", chat, chat], [GENERIC] * 2, unordered=True)


POST = """
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <pthread.h>
#undef curl_easy_setopt
#define FIND(name) __typeof__(name) *my_##name = (__typeof__(name) *)dlsym(h, #name);
static int post(void *h, const char *url) {
    FIND(curl_easy_init) FIND(curl_easy_setopt) FIND(curl_easy_perform) FIND(curl_easy_cleanup)
    CURL *e = my_curl_easy_init();
    my_curl_easy_setopt(e, CURLOPT_URL, url);
    my_curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}");
    int code = my_curl_easy_perform(e);
    my_curl_easy_cleanup(e);
    return code;
}
"""


def test_by_name(inside, root, relay):
    source = POST + 'int main(int c, char **v) { return post(dlopen("libcurl.so.4", RTLD_NOW), v[1]); }'
    inside([compile_host(root, "by-name", source), relay.url + "/v1/chat/completions"], [GENERIC])


def test_plugin(inside, root, relay):
    plugin = """
        #include <curl/curl.h>
        int start(const char *url) {
            CURL *e = curl_easy_init();
            curl_easy_setopt(e, CURLOPT_URL, url); curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}");
            int code = curl_easy_perform(e); curl_easy_cleanup(e); return code;
        }"""
    libcurl = f"-L{WORK}/curl/lib/.libs"
    compile_host(root, "plugin.so", plugin, "-shared", "-fPIC", libcurl, "-lcurl")
    source = """
        #include <dlfcn.h>
        int main(int c, char **v) {
            void *h = dlopen("/tmp/plugin.so", RTLD_NOW);
            return ((int (*)(const char *))dlsym(h, "start"))(v[1]);
        }"""
    inside([compile_host(root, "plugin-host", source), relay.url + "/v1/chat/completions"], [GENERIC])


def test_small_threads(inside, root, relay):
    """musl's threads have 128 KiB."""
    source = POST + """
        static const char *url;
        static void *thread(void *h) { return (void *)(long)post(h, url); }
        int main(int c, char **v) {
            pthread_t t; void *result; void *h = dlopen("libcurl.so.4", RTLD_NOW);
            url = v[1]; pthread_create(&t, 0, thread, h); pthread_join(t, &result); return (long)result;
        }"""
    inside([compile_host(root, "thread", source), relay.url + "/v1/chat/completions"], [GENERIC])


ABSENT = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdio.h>
    #pragma weak curl_easy_init
    extern void *curl_easy_init(void);
    int main(void) {
        void *const handles[] = {RTLD_DEFAULT, RTLD_NEXT, dlopen(0, RTLD_NOW)};
        printf("%d\\n", curl_easy_init != 0);
        for (int i = 0; i < 3; i++) {
            void *f = dlsym(handles[i], "curl_easy_init");
            printf("%d %s\\n", f != 0, dlerror());
            f = dlsym(handles[i], "curl_nothing");
            printf("%d %s\\n", f != 0, dlerror());
            f = dlsym(handles[i], "printf");
            printf("%d\\n", f != 0);
        }
        return dlopen("/no/such.so", RTLD_NOW) != 0;
    }"""


def test_no_libcurl(inside, root):
    inside([compile_host(root, "absent", ABSENT)])


@pytest.mark.parametrize("release, version", [("bullseye", "1.2.2"), ("trixie", "1.2.5")])
def test_other_versions(run, root, relay, release, version):
    """Of other releases of Debian: their loader, which is their libc, with the programs of this one's."""
    loader = foreign("amd64", "x86_64-linux-musl", release) / "lib/ld-musl-x86_64.so.1"
    assert f"Version {version}" in subprocess.run([loader], capture_output=True, text=True).stderr
    command = [str(loader), "--library-path", f"{root}/usr/lib", f"{root}/bin/curl", "-s", "-d", "{}"]
    results = [run([*command, relay.url + "/v1/chat/completions"], shim=shim) for shim in (None, str(LIBRARY))]
    compare(*results, {"relay": [GENERIC]})
    command = [str(loader), f"{root}/bin/busybox", "seq", "3"]
    assert run(command, shim=str(LIBRARY)).stdout == b"1\n2\n3\n"


def test_a_service(run, root, relay):
    """Asked from inside, and killed: a request is sent all the same."""
    command = [*grants.CHROOT, str(root), "/bin/busybox", "env", "LD_PRELOAD=/lib/libtagalong.so", "/bin/curl", "-s",
               "-d", "{}", relay.url + "/v1/chat/completions"]
    shutil.rmtree(root / "run", ignore_errors=True)
    (root / "run").mkdir()
    service = start_service(root / "run", "live")
    try:
        socket = root / "run/live/context.sock"
        env = {"PATH": "/usr/bin:/bin", "TAGALONG_SOCKET": str(socket)}
        subprocess.run([BUILD / "tagalong", "context", "set", "task_id=from-the-service"], env=env, check=True)
        inside = {"TAGALONG_SOCKET": "/run/live/context.sock", "TAGALONG_CONVERSATION_ID": "C-7"}
        for _ in range(3):
            result = run(command, shim=None, env=inside)
            assert result.rc == 0
            assert [r.value("X-Task-Id") for r in result.requests] == ["from-the-service"]
        os.kill(service.pid, signal.SIGKILL)
        service.wait()
        started = time.monotonic()
        result = run(command, shim=None, env=inside)
        assert result.rc == 0 and time.monotonic() - started < 5
        assert [r.value("X-Conversation-Id") for r in result.requests] == ["C-7"]
    finally:
        service.kill()
        service.wait()


@pytest.fixture(scope="session")
def odd(root):
    sources = HERE.parent / "hosts"
    source = (sources / "odd.c").read_text()
    return compile_host(root, "odd", source, f"-I{sources}", f"-L{WORK}/curl/lib/.libs", "-lcurl")


@pytest.mark.parametrize("mode", MODES)
def test_odd(run, root, odd, relay, other_relay, mode):
    """The hosts of tests/hosts/odd.c, built for musl."""
    results, env = [], {"TAGALONG_RELAYS": relay.url, **CONTEXT}
    for preload in ("", "/lib/libtagalong.so"):
        words = [*grants.CHROOT, str(root), "/bin/busybox", "env", f"LD_PRELOAD={preload}", odd, mode]
        results.append(run([*words, relay.url, other_relay.url], shim=None, env=env))
    bare, ours = results
    assert bare.rc >= 0 and bare.requests, bare
    expect = {"relay": [TAGS.get(mode, GENERIC)] * len(bare.requests), "other": [PLAIN] * len(bare.traffic["other"])}
    compare(bare, ours, expect, ["X-Own", "X-Turn", "X-Own-Too"], unordered=mode in UNORDERED, one_trace=False)


GONE = POST + """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int c, char **v) {
    void *h = dlopen("libcurl.so.4", RTLD_NOW);
    curl_global_init(CURL_GLOBAL_ALL);
    if (!strcmp(v[2], "unlink") ? unlink(v[3]) : chroot(v[3]) || chdir("/")) return 9;
    for (int i = 0; i < 2; i++) {
        CURL *e = curl_easy_init();
        printf("%d\\n", e != 0);
        curl_easy_setopt(e, CURLOPT_URL, v[1]);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}");
        printf("%d\\n", curl_easy_perform(e));
        curl_easy_cleanup(e);
        printf("%d\\n", post(h, v[1]));
        printf("%d\\n", post(RTLD_DEFAULT, v[1]));
    }
    return 0;
}"""


@pytest.mark.parametrize("how", ["unlink", "chroot"])
def test_libcurl_is_gone(run, root, relay, how):
    """musl's dlopen() opens the file also of what is loaded; nothing of ours asks it to."""
    program = compile_host(root, "gone", GONE, f"-L{WORK}/curl/lib/.libs", "-lcurl")
    folder = root / "tmp" / f"gone-{os.getpid()}-{how}"
    results = []
    for preload in ("", "/lib/libtagalong.so"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(root / "usr/lib/libcurl.so.4", folder)
        inside = f"/tmp/{folder.name}"
        words = [f"LD_PRELOAD={preload}", f"LD_LIBRARY_PATH={inside}", program, relay.url + "/v1/chat/completions", how]
        words.append(inside if how == "chroot" else f"{inside}/libcurl.so.4")
        results.append(run([*grants.CHROOT, str(root), "/bin/busybox", "env", *words], shim=None, env=CONTEXT))
    compare(*results, {"relay": [GENERIC] * 6})
    assert re.sub(rb"\{.*\n", b"", results[0].stdout) == b"1\n0\n0\n0\n" * 2


@pytest.mark.parametrize("folder", ["$LIB", "lib"])
def test_lib_in_the_path(run, root, relay, folder):
    """To musl $LIB is a name like any other: nothing is loaded from there, or what stands in a folder of that name."""
    prefix = f"/tmp/lib-{os.getpid()}"
    place = Path(f"{root}{prefix}", folder, "tagalong")
    shutil.rmtree(place.parent.parent, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.copy(LIBRARY, place)
    words = [f"LD_PRELOAD={prefix}/$LIB/tagalong/libtagalong.so", "/bin/curl", "-s", "-d", "{}"]
    command = [*grants.CHROOT, str(root), "/bin/busybox", "env", *words, relay.url + "/v1/chat/completions"]
    try:
        bare = run([word for word in command if not word.startswith("LD_PRELOAD")], shim=None, env=CONTEXT)
        compare(bare, run(command, shim=None, env=CONTEXT), {"relay": [GENERIC if folder == "$LIB" else PLAIN]})
    finally:
        shutil.rmtree(place.parent.parent)


def kubernetes(name):
    """The environment of the agent's container in a block of the recipes, and where its init container puts the
    library; what a field of the pod says is made up."""
    text = (HERE.parents[1] / "docs/recipes.md").read_text()
    pod = yaml.safe_load(re.search(rf"```yaml {name}\n(.*?)```", text, re.DOTALL)[1])
    (init,), agent = pod["spec"]["initContainers"], pod["spec"]["containers"][-1]
    env = {variable["name"]: variable.get("value", "of-the-pod") for variable in agent["env"]}
    return env, init["command"][-1]


@pytest.mark.parametrize("recipe", ["kubernetes", "kubernetes-shared"])
def test_the_kubernetes_recipes(run, root, relay, recipe):
    """An agent's image of Alpine: the library that the init container copies, with the daemon of another image."""
    env, target = kubernetes(recipe)
    volume = root / target.strip("/")
    shutil.rmtree(volume, ignore_errors=True)
    volume.mkdir(parents=True)
    shutil.copy(LIBRARY, volume)
    env["TAGALONG_RELAYS"] = env["TAGALONG_RELAYS"].replace("https://relay.example.com", relay.url)
    service = None
    try:
        if "TAGALONG_SOCKET" in env:
            socket = root / env["TAGALONG_SOCKET"].strip("/")
            socket.parent.mkdir(mode=0o700)
            own = {"PATH": "/usr/bin:/bin", "TAGALONG_SOCKET": str(socket), "TAGALONG_SCOPE": env["TAGALONG_SCOPE"]}
            command = [BUILD / "tagalong", "serve", "--store", "memory:"]
            service = subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL)
            for _ in range(100):
                time.sleep(0 if socket.exists() else 0.05)
            command = [BUILD / "tagalong", "context", "set", "task_id=of-the-pod"]
            subprocess.run(command, env=own, check=True)
        words = [f"{key}={value}" for key, value in env.items()]
        words += ["/bin/curl", "-s", "-d", "{}", relay.url + "/v1/chat/completions"]
        result = run([*grants.CHROOT, str(root), "/bin/busybox", "env", *words], shim=None, env={})
        assert [r.value("X-Task-Id") for r in result.requests] == ["of-the-pod"], result
    finally:
        if service:
            service.kill()
            service.wait()
        shutil.rmtree(volume)


@pytest.mark.parametrize("mode", [mode for mode in HANDLERS if mode != "swapcontext"])
def test_a_handler(run, root, relay, mode):
    """The hosts of tests/hosts/signals.c; musl cancels by a signal of its own."""
    requests, lost = HANDLERS[mode]
    sources = HERE.parent / "hosts"
    options = [f"-I{sources}", f"-L{WORK}/curl/lib/.libs", "-lcurl"]
    program = compile_host(root, "signals", (sources / "signals.c").read_text(), *options)
    folder = root / "tmp" / f"hangs-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    results = []
    with faulty.faulty("hangs", folder) as service:
        env = {name: value.replace(str(root), "") for name, value in service.environment.items()}
        for preload in ("", "/lib/libtagalong.so"):
            words = [f"LD_PRELOAD={preload}", "TAGALONG_TIMEOUT_MS=3000", program, mode, relay.url]
            command = [*grants.CHROOT, str(root), "/bin/busybox", "env", *words]
            results.append(run(command, shim=None, env=CONTEXT | env))
    bare, ours = results
    told = ours.stdout.replace(b"late\n", b"", 1) if mode == "pthread_exit" else ours.stdout
    assert (ours.rc, told, ours.stderr) == (bare.rc, bare.stdout, b"")
    assert b"late" not in bare.stdout and b"cancelled: 1, blocked: 0" in bare.stdout
    assert len(bare.requests) == requests
    assert [r.value("X-Task-Id") for r in ours.requests] == ["T-42"] * (requests - lost)
