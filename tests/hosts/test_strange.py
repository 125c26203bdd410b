# SPDX-License-Identifier: MIT
"""Ordinary programs that were not thought of (strange.c), and how they are started, with the shim and without it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import faulty  # noqa: E402
from hosts import host  # noqa: E402
from neutral import compare  # noqa: E402
from tags import COMPUTED, CONTEXT, GENERIC, PLAIN  # noqa: E402

# What a request is to get, where that is not GENERIC: where the configuration cannot be looked at there is nothing.
TAGS = {"sandbox that refuses": PLAIN, "sandbox that traps": PLAIN, "title over the environment": COMPUTED}
EARLY = COMPUTED  # libc has no environment yet

MODES = [
    "vfork beside", "clone3 beside", "zygote", "exec in a thread", "no random addresses", "read implies exec", "deleted",
    "closefrom", "dup2 over all", "a thread with a folder of its own", "no more address space", "no more data",
    "huge environment", "sandbox that refuses", "sandbox that refuses later", "sandbox that traps",
    "sandbox that traps later", "before every constructor", "constructor and destructor", "plain",
    "descriptors beside", "memory on touch", "title", "title over the environment",
]  # fmt: skip


@pytest.fixture
def strange(run, relay, tmp_path):
    def strange(mode, env=None, before=(), tags=GENERIC):
        command = [*before, host("strange"), mode, relay.url, relay.url]
        results = []
        for how in ({"shim": None}, {}):
            shutil.rmtree(tmp_path / "own", ignore_errors=True)
            results.append(run(command, env=CONTEXT | (env or {}), **how))
        bare, ours = results
        assert bare.rc >= 0 and bare.requests, bare
        expect = [EARLY, tags] if mode == "before every constructor" else [tags] * len(bare.requests)
        processes = [(rb"\(process \d+\)", b"")]  # of gdb
        compare(bare, ours, {"relay": expect}, own=["X-Own"], normalise=processes, unordered=len(expect) > 2, one_trace=False)

    return strange


@pytest.mark.parametrize("mode", MODES)
def test_strange(strange, mode):
    strange(mode, tags=TAGS.get(mode, GENERIC))


@pytest.mark.parametrize("mode", ["vfork beside", "clone3 beside", "zygote", "closefrom", "dup2 over all",
                                  "a thread with a folder of its own", "no more address space", "descriptors beside"])
def test_strange_with_a_service(strange, tmp_path, mode):
    env = {"TAGALONG_TASK_ID": "", "TAGALONG_TIMEOUT_MS": "10000"}
    with faulty.faulty("good", tmp_path) as service:
        strange(mode, env | service.environment, tags={**GENERIC, "X-Task-Id": "LIVE"})


AUDIT = """
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
unsigned la_version(unsigned version) { return version; }
unsigned la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie)
{
	(void)map, (void)space, (void)cookie;
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned index, uintptr_t *from, uintptr_t *to, unsigned *flags, const char *name)
{
	(void)index, (void)from, (void)to, (void)flags, (void)name;
	return symbol->st_value;
}
"""
STARTS = {
    "stdbuf": ["stdbuf", "-o0"],
    "no random addresses": ["setarch", "-R"],
    "a user namespace": ["unshare", "-r"],
    "a process namespace": ["unshare", "-rpf", "--mount-proc"],
    "no new privileges": ["setpriv", "--no-new-privs"],
    "one processor": ["taskset", "1"],
    "a session": ["setsid", "-w"],
    "idle": ["nice", "-n", "19", "timeout", "20"],
    "strace": ["strace", "-f", "-o", "/dev/null"],
    "valgrind": ["valgrind", "-q", "--error-exitcode=9", "--suppressions=" + str(Path(__file__).parents[1] / "valgrind.supp")],
    "gdb": ["gdb", "-q", "-batch", "-iex", "set debuginfod enabled off", "-ex", "break dlopen", "-ex", "run", "-ex",
            "continue", "--args"],
}  # fmt: skip
VARIABLES = {
    "bound at once": {"LD_BIND_NOW": "1"},
    "bound at once, hidden": {"LD_BIND_NOT": "1"},
    "small static TLS": {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=0"},
    "malloc that checks": {"MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
    "audited": {"LD_AUDIT": "audit.so"},
}


@pytest.mark.parametrize("start", STARTS)
def test_starts(strange, run, start):
    command = STARTS[start]
    if not shutil.which(command[0]) or (start != "gdb" and run([*command, "true"], shim=None).rc):
        pytest.skip(f"{' '.join(command)} is not possible here")
    strange("closefrom" if start == "strace" else "plain", before=command)


@pytest.mark.parametrize("variables", VARIABLES)
def test_variables(strange, tmp_path, variables):
    env = dict(VARIABLES[variables])
    if "LD_AUDIT" in env:
        (tmp_path / "audit.c").write_text(AUDIT)
        env["LD_AUDIT"] = str(tmp_path / "audit.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", env["LD_AUDIT"], tmp_path / "audit.c"], check=True)
    strange("zygote", env)


def test_static_programs(run, shim, tmp_path):
    """No loader reads LD_PRELOAD there; what they start is tagged again."""
    (tmp_path / "start.c").write_text('#include <unistd.h>\nint main(int c, char **v) { (void)c; return execv(v[1], v + 1); }')
    for option in ("-static", "-static-pie"):
        subprocess.run(["cc", option, "-o", tmp_path / "start", tmp_path / "start.c"], check=True)
        bare, ours = (run([tmp_path / "start", "/bin/echo", "here"], **how) for how in ({"shim": None}, {}))
        assert (ours.rc, ours.stdout, ours.stderr) == (bare.rc, bare.stdout, bare.stderr) == (0, b"here\n", b"")
