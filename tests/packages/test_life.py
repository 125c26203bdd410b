# SPDX-License-Identifier: MIT
"""The packages' life in a clean system: installed, used, upgraded under a program that runs, removed,
purged. The relay is outside, on loopback, which the system shares."""

import fcntl
import json
import platform
import shutil
import subprocess
import time

import pytest

import grants
from chroot import ROOT, Chroot, Impossible, main_process, obstacle

WAIT_SECONDS = 30
HOME = "/tmp/home"
USE = {"HOME": HOME, "XDG_RUNTIME_DIR": "/tmp/run", "LC_ALL": "C.UTF-8"}
PREFIX_LIB = "/usr/$LIB/tagalong/libtagalong.so"


pytestmark = pytest.mark.usefixtures("root")


@pytest.fixture(scope="session")
def root():
    """Asked first, before anything is built."""
    reason = obstacle()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def system():
    try:
        with Chroot() as system:
            yield system
    except Impossible as error:
        pytest.skip(str(error))


class Host:
    """A program that has libcurl and our library loaded, and sends when it is told to."""

    def __init__(self, system, relay):
        self._relay = relay
        command = ["tagalong", "run", "--no-service", "--task", "T-old", "--", "/tmp/puppet"]
        self._process = system.start(*command, **USE)
        self._tell(f"init a\nurl a {relay.url}/v1/chat/completions\npost a {{}}\n")

    def _tell(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def send(self):
        """The task that arrives."""
        self._relay.reset()
        self._tell("perform a\n")
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._relay.requests:
            assert time.monotonic() < deadline and self._process.poll() is None, "nothing was sent"
            time.sleep(0.01)
        (request,) = self._relay.requests
        return request.value("X-Task-Id")

    def mapped(self):
        """The library's names in its memory map, seen from here; " (deleted)" follows one that is not there any more."""
        rows = open(f"/proc/{main_process(self._process)}/maps").read().splitlines()
        return {row.split(None, 5)[5] for row in rows if "libtagalong" in row}

    def end(self):
        out, err = self._process.communicate(timeout=WAIT_SECONDS)
        return self._process.returncode, err


def curl(relay):
    return ["curl", "-sS", "-d", "{}", relay.url + "/v1/chat/completions"]


def tasks(system, relay, *words):
    """What arrived of one command that went well and said nothing of its own."""
    relay.reset()
    done = system.run(*words, **USE)
    assert done.stdout.startswith('{"id"') and done.stderr == "", (words, done)
    return [request.value("X-Task-Id") for request in relay.requests]


def lay_ready(system, **packages):
    """Folders of a user, and packages below /tmp, by the names of their folders."""
    for name in ("home", "run"):
        (system.root / "tmp" / name).mkdir(mode=0o700)
    for folder, each in packages.items():
        (system.root / "tmp" / folder).mkdir()
        for name in ("tagalong", "libtagalong"):
            shutil.copy(each[name], system.root / "tmp" / folder / f"{name}.deb")


def test_life(system, relay, deb, second_deb):
    before = system.files()
    lay_ready(system, first=deb, second=second_deb)
    shutil.copy(ROOT / "build" / "fixtures" / "puppet", system.root / "tmp")

    # Installed: apt finds what it needs.
    system.install("/tmp/first/tagalong.deb", "/tmp/first/libtagalong.deb", "curl")
    assert system.run("dpkg", "--verify", "tagalong", "libtagalong").stdout == ""
    (library,) = (system.root / "usr" / "lib").glob("*/tagalong/libtagalong.so")
    inside = "/" + str(library.relative_to(system.root))

    # Used.
    assert tasks(system, relay, *curl(relay)) == [None]
    for launcher in ["tagalong", "run"], ["tagalong-run"]:
        assert tasks(system, relay, *launcher, "--task", "T-42", "--", *curl(relay)) == ["T-42"]
    preload = system.run("tagalong", "run", "--", "sh", "-c", 'echo "$LD_PRELOAD"', **USE)
    assert (preload.stdout, preload.stderr) == (PREFIX_LIB + "\n", "")
    by_hand = ["env", f"LD_PRELOAD={PREFIX_LIB}", "TAGALONG_TASK_ID=T-7"]
    assert tasks(system, relay, *by_hand, *curl(relay)) == ["T-7"]
    report = json.loads(system.run("tagalong", "doctor", "--json", **USE).stdout)["rows"]
    rows = {row["name"]: row["value"] for row in report}
    assert not [row for row in report if "fault" in row]
    assert rows["library"].startswith(inside + " (") and rows["program"] == "/usr/bin/tagalong"
    wrapped = f"{HOME}/.local/bin/curl"
    system.run("tagalong", "wrap", "--task", "T-wrapped", "curl", **USE)
    assert tasks(system, relay, wrapped, *curl(relay)[1:]) == ["T-wrapped"]

    # Upgraded: what runs keeps the file that it has, what starts gets the new one.
    host = Host(system, relay)
    assert host.send() == "T-old" and host.mapped() == {str(library)}
    old = library.stat().st_ino
    system.install("/tmp/second/tagalong.deb", "/tmp/second/libtagalong.deb")
    versions = system.run("dpkg-query", "-W", "-f", "${Version}\n", "tagalong", "libtagalong").stdout.split()
    assert versions == ["0.1.0+next"] * 2 and library.stat().st_ino != old
    assert host.send() == "T-old" and host.mapped() == {f"{library} (deleted)"}
    assert tasks(system, relay, wrapped, *curl(relay)[1:]) == ["T-wrapped"]

    # Removed: what runs goes on, and a launcher starts its program as it is.
    system.apt("remove", "tagalong", "libtagalong")
    assert not library.exists() and host.send() == "T-old"
    assert tasks(system, relay, wrapped, *curl(relay)[1:]) == [None]
    assert host.end() == (0, "")

    # Purged, with all that came with it: they had no configuration of the machine's, so since they were
    # removed dpkg knows nothing of them any more. The user's own files are the user's.
    assert system.run("dpkg-query", "-W", "tagalong", "libtagalong", check=False).stdout == ""
    system.run("dpkg", "--purge", "tagalong", "libtagalong")
    # apt keeps libidn2, which came with curl, in Debian 13: libc6 recommends it and libudev1 suggests it.
    keeps = [f"--option=APT::AutoRemove::{kind}Important=false" for kind in ("Recommends", "Suggests")]
    system.apt(*keeps, "purge", "--autoremove", "curl")
    left = system.files() - before
    own = {path for path in left if path.startswith("tmp/")}
    assert left - own == set() and before - system.files() == set()
    assert {path for path in own if path.startswith("tmp/home/.")} >= {"tmp/home/.local/bin/curl"}
    for folder in ("etc", "usr", "var"):
        assert not [path for path in (system.root / folder).rglob("*tagalong*") if "/apt/" not in str(path)]


CROSS = "/usr/i686-linux-gnu/lib"  # Debian's libc for the cross compiler, with the folders of a real one


@pytest.fixture
def cross():
    """The library for i386, and a program for it (tests/cross), which prints what would be sent."""
    if platform.machine() != "x86_64" or not shutil.which("i686-linux-gnu-gcc"):
        pytest.skip("no 32-bit programs: not x86-64, or no i686-linux-gnu-gcc (scripts/install-deps cross)")
    folder = ROOT / "build" / "i386"
    files = [str(folder / name) for name in ("libtagalong.so", "cross/host", "cross/plugin.so")]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "cross.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "-s", "-j2", f"BUILD={folder}", "CC=i686-linux-gnu-gcc", *files]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    grants.format_of(folder / "cross" / "host", "32-bit programs")
    return folder


def test_32_bit_programs_beside(system, deb, cross):
    """With the library where the package for i386 has it."""
    lay_ready(system, first=deb)
    lib = system.root / "usr" / "lib"
    (lib / "i386-linux-gnu").mkdir(exist_ok=True)
    shutil.copy(f"{CROSS}/ld-linux.so.2", lib)
    shutil.copy(f"{CROSS}/libc.so.6", lib / "i386-linux-gnu")
    shutil.copytree(cross / "cross", system.root / "tmp" / "cross")
    system.install("/tmp/first/tagalong.deb", "/tmp/first/libtagalong.deb")
    host = ["/tmp/cross/host"]

    def linked(*launcher):
        done = system.run(*launcher, *host, **USE)
        return done.stdout.split("== linked\n")[1].split("== ")[0].splitlines(), done.stderr

    def doctor(*words):
        return json.loads(system.run("tagalong", "doctor", "--json", *words, check=False, **USE).stdout)

    bare, said = linked()
    assert bare and said == ""
    launchers = (["tagalong", "run", "--no-service", "--task", "T-32", "--"], ["tagalong-run", "--task", "T-32"])
    for launcher in launchers:  # without a library for it, the loader says so, and no more
        lines, said = linked(*launcher)
        assert lines == bare and said.count("\n") == 1 and "from LD_PRELOAD cannot be preloaded" in said
    assert doctor(*host)["verdict"] == "not"
    assert "32-bit programs" in [row["name"] for row in doctor()["rows"]]

    (lib / "i386-linux-gnu" / "tagalong").mkdir()
    shutil.copy(cross / "libtagalong.so", lib / "i386-linux-gnu" / "tagalong")
    for launcher in launchers:
        lines, said = linked(*launcher)
        assert "X-Task-Id: T-32" in lines and [line for line in bare if line not in lines] == [] and said == ""
    report = doctor(*host)
    assert (report["verdict"], report["hook"], report["class"]) == ("tagged", "linked", 32), report
    rows = {row["name"]: row["value"] for row in doctor()["rows"]}
    assert rows["another library"] == "/usr/lib/i386-linux-gnu/tagalong/libtagalong.so (i386, 32 bit)"
    assert "32-bit programs" not in rows
