# SPDX-License-Identifier: MIT
"""Other machines: aarch64, whose dlopen and dlsym hooks have tail-jumps of their own, and i386, which has no
such hooks and where a curl_off_t takes two slots. The same on this machine, to compare with, and both with
musl, for which the very same library is loaded into a host that musl's headers and libc made.

`make cross` builds for each; qemu-user runs it. There is no libcurl for them here, so the host
program (host.c) uses a made one (libcurl_fake.c), whose transfers print what would have been sent.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tags import CONTEXT, GENERIC

sys.path.append(str(Path(__file__).resolve().parent.parent / "musl"))

sys.path.append(str(Path(__file__).resolve().parent.parent / "bench"))

from root import foreign  # noqa: E402
from servers import start_service  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build"))
SECONDS = 60


@dataclass
class Machine:
    name: str
    triplet: str = ""  # of the cross compiler; none: this machine
    long_bits: int = 64
    dl_hooks: bool = True
    musl: Path = None  # the folder with its musl, where hosts are for that

    @property
    def build(self):
        return BUILD / self.name if self.triplet else BUILD

    @property
    def hosts(self):
        return BUILD / f"{self.name}-musl" if self.musl else self.build

    def run(self, program, env=CONTEXT):
        """Under qemu the variables are for the program alone, and so are the libraries: without the
        path, it might mix those of the cross compiler with 32-bit ones of this machine."""
        if not self.triplet:
            command, environment = [], env
        else:
            prefix = self.musl or f"/usr/{self.triplet}"
            env = env | {"LD_LIBRARY_PATH": f"{prefix}/lib"}
            command = [f"qemu-{self.name}", "-L", prefix]
            command += [word for pair in env.items() for word in ("-E", "=".join(pair))]
            environment = {}
        return subprocess.run(
            [*command, self.hosts / program],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
            cwd=ROOT,
            timeout=SECONDS,
        )

    @property
    def multiarch(self):
        compiler = f"{self.triplet}-gcc" if self.triplet else "gcc"
        return subprocess.run([compiler, "-print-multiarch"], capture_output=True, text=True).stdout.strip()

    def host(self, shim, library=None):
        """What each section of host.c printed: {name: lines}."""
        env = CONTEXT | ({"LD_PRELOAD": str(library or self.build / "libtagalong.so")} if shim else {})
        done = self.run("cross/host", env)
        assert (done.returncode, done.stderr) == (0, "")
        sections = [text.splitlines() for text in done.stdout.split("== ")[1:]]
        return {name: lines for name, *lines in sections}


MACHINES = [
    Machine("native"),
    Machine("aarch64", "aarch64-linux-gnu"),
    Machine("i386", "i686-linux-gnu", long_bits=32, dl_hooks=False),
]


@pytest.fixture(scope="session", params=MACHINES, ids=lambda machine: machine.name)
def machine(request):
    """Built. In CI no test may be skipped (tests/run.py), so there these tools have to be there."""
    machine = request.param
    make(machine, machine.build, "cross")
    return machine


def make(machine, build, target, *options):
    command = ["make", "-s", "-j2", f"BUILD={build}", target]
    if machine.triplet:
        compiler = f"{machine.triplet}-gcc"
        for tool in (compiler, f"qemu-{machine.name}"):
            if not shutil.which(tool):
                pytest.skip(f"there is no {tool}: scripts/install-deps cross")
        command.append(f"CC={' '.join([compiler, *options])}")
    build.mkdir(parents=True, exist_ok=True)
    with open(build / "cross.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest-xdist's workers each have their session
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def bare(machine):
    return machine.host(shim=False)


@pytest.fixture(scope="session")
def tagged(machine):
    return machine.host(shim=True)


def sent(machine):
    """What chat.h does, and how every kind of argument arrives in libcurl."""
    largest = 2 ** (machine.long_bits - 1) - 1
    return [
        "unknown 48",
        "unknown 48",
        "POST http://localhost/v1/chat/completions",
        "X-Own: 1",
        "agent cross",
        f"timeout {largest}",
        "file 5368709120",
        f"329 {-largest - 1}",
        f"50001 {largest}",
        "perform 0",
    ]


def without_ours(lines):
    """The lines, less ours, which have to stand in front of the client's own."""
    at = lines.index("X-Own: 1")
    names_and_values = [line.split(": ", 1) for line in lines[at - len(GENERIC) : at]]
    assert [name for name, _ in names_and_values] == list(GENERIC)
    for (name, value), wanted in zip(names_and_values, GENERIC.values()):
        assert re.fullmatch(wanted, value), name
    return lines[: at - len(GENERIC)] + lines[at:]


WAYS = {"linked": [], "RUNPATH": [], "RTLD_DEEPBIND": [], "dlsym": ["no error"], "dlvsym": ["no error"]}
BY_DL_HOOK = ("RTLD_DEEPBIND", "dlsym", "dlvsym")


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_argument(machine, bare, tagged, way):
    expected = sent(machine) + WAYS[way]
    assert bare[way] == expected
    if way in BY_DL_HOOK and not machine.dl_hooks:
        assert tagged[way] == expected
    else:
        assert without_ours(tagged[way]) == expected


def test_one_name_for_all_machines(machine, tagged, tmp_path):
    """Debian's place, by $LIB: each loader finds the library of its own machine among the others."""
    for each in {machine.multiarch, "x86_64-linux-gnu", "i386-linux-gnu"}:
        folder = tmp_path / "lib" / each / "tagalong"
        folder.mkdir(parents=True)
        (folder / "libtagalong.so").write_text("of another machine")
    shutil.copy(machine.build / "libtagalong.so", tmp_path / "lib" / machine.multiarch / "tagalong")
    found = machine.host(shim=True, library=f"{tmp_path}/$LIB/tagalong/libtagalong.so")
    assert [line.split(": ")[0] for line in found["linked"]] == [line.split(": ")[0] for line in tagged["linked"]]
    assert f"X-Task-Id: {CONTEXT['TAGALONG_TASK_ID']}" in found["linked"]


@pytest.mark.parametrize("section", ["RTLD_NEXT", "errors"])
def test_the_loader_is_as_without_the_shim(bare, tagged, section):
    # What is found, and how errors read, depend on who asks: the caller has to stay the caller.
    assert tagged[section] == bare[section]


def test_what_the_loader_answers(machine, bare):
    # The section above says something only if it looks like this.
    libcurl = f"{machine.build}/cross/libcurl.so.4"
    malloc, malloc_of_libcurl, init_of_libcurl = bare["RTLD_NEXT"]
    assert re.fullmatch(r"\w*malloc in \S*/libc\.so\.6", malloc) and malloc_of_libcurl == malloc
    assert init_of_libcurl == f"{libcurl}: undefined symbol: curl_easy_init"
    assert len(bare["errors"]) == 8 and f"{libcurl}: undefined symbol: curl_absent" in bare["errors"]


MUSL = {"aarch64": ("arm64", "aarch64-linux-musl"), "i386": ("i386", "i386-linux-musl")}


@pytest.mark.parametrize("name", MUSL)
def test_the_same_library_with_musl(name):
    """musl has neither versions nor RTLD_DEEPBIND: those two ways are a dlsym and a dlopen there."""
    machine = next(each for each in MACHINES if each.name == name)
    make(machine, machine.build, f"{machine.build}/libtagalong.so")
    machine = replace(machine, musl=foreign(*MUSL[name]))
    specs = f"-specs {machine.musl}/specs"
    make(machine, machine.hosts, f"{machine.hosts}/cross/plugin.so", specs)
    make(machine, machine.hosts, f"{machine.hosts}/cross/host", specs)
    bare, tagged = machine.host(shim=False), machine.host(shim=True)
    for way, end in WAYS.items():
        assert bare[way] == sent(machine) + end
        untouched = way in ("dlsym", "dlvsym") and not machine.dl_hooks
        assert (tagged[way] if untouched else without_ours(tagged[way])) == bare[way]
    assert tagged["RTLD_NEXT"] == bare["RTLD_NEXT"]
    assert [line for line in tagged["errors"] if "curl_easy_init in" not in line and line != "nowhere"] == [
        line for line in bare["errors"] if "curl_easy_init in" not in line]


@pytest.mark.parametrize("pages", [["--no-pages"], []], ids=["asked", "by its page"])
@pytest.mark.parametrize("name", MUSL)
def test_a_service_with_musl(tmp_path, name, pages):
    """Of this machine: a context is a context everywhere. The value changes between two processes."""
    machine = next(each for each in MACHINES if each.name == name)
    make(machine, machine.build, f"{machine.build}/libtagalong.so")
    machine = replace(machine, musl=foreign(*MUSL[name]))
    for target in ("plugin.so", "host"):
        make(machine, machine.hosts, f"{machine.hosts}/cross/{target}", f"-specs {machine.musl}/specs")
    socket = f"{tmp_path}/live/context.sock"
    env = {"TAGALONG_SOCKET": socket, "TAGALONG_TIMEOUT_MS": "10000", "LD_PRELOAD": f"{machine.build}/libtagalong.so"}
    service = start_service(tmp_path, "live", *pages)
    try:
        for task in ("T-1", "T-2"):
            command = [BUILD / "tagalong", "context", "set", f"task_id={task}"]
            subprocess.run(command, env={"PATH": "/usr/bin:/bin", "TAGALONG_SOCKET": socket}, check=True)
            done = machine.run("cross/host", env)
            assert (done.returncode, done.stderr) == (0, "")
            tasks = re.findall("^X-Task-Id: (.*)", done.stdout, re.MULTILINE)
            assert len(tasks) >= 2 + machine.dl_hooks and set(tasks) == {task}
    finally:
        service.kill()
        service.wait()


def test_exports(machine):
    subprocess.run([ROOT / "scripts/check-exports", machine.build / "libtagalong.so"], check=True)


# qemu 7.2 answers that MADV_WIPEONFORK was done, and does nothing.
NOT_EMULATED = {
    "zeros in the child: status == 0",
    "a child gets others: all_differ(drawn, 2 * DRAWS)",
}


@pytest.mark.parametrize("machine", MACHINES[1:], indirect=True, ids=lambda machine: machine.name)
def test_unit_suites(machine):
    # That of the plan starts a service, which is not built for other machines.
    suites = [path for path in (machine.build / "tests").glob("test_*") if not path.suffix and path.name != "test_plan"]
    assert len(suites) > 5
    for suite in suites:
        done = machine.run(suite)
        failed = [re.sub(r"^\S+:\d+: ", "", line) for line in done.stderr.splitlines()]
        assert set(failed) <= NOT_EMULATED, suite.name
        assert f" {len(failed)} failed" in done.stdout, suite.name
