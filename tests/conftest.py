# SPDX-License-Identifier: MIT
"""The end-to-end harness: servers on loopback, and commands run with and without the shim.

    pytest tests/e2e                   with build/libtagalong.so
    pytest tests/e2e -n 2              the same with pytest-xdist
    pytest tests/clients               real programs instead of made ones
    TAGALONG_LIB=PATH pytest ...       another build; the text goes into LD_PRELOAD as it is
    pytest tests/e2e --bare            the harness against itself: the shim is never loaded, and a
                                       test that waits for tags is skipped once both runs were equal

Fixtures: relay, other_relay, front, proxy, doh, smtp (the servers), run (one command, what it
said and what arrived), neutral (the same command twice, compared by neutral.py), place and live
(live.py: with a context service).
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "e2e"), str(HERE / "relay")]

from doh import Doh  # noqa: E402
import nginx  # noqa: E402
from front import Front  # noqa: E402
from proxy import Proxy  # noqa: E402
from relay import Relay  # noqa: E402
from smtp import Smtp  # noqa: E402

pytest.register_assert_rewrite("neutral")  # so that a failure shows both sides
from live import live, place  # noqa: E402, F401
from neutral import compare  # noqa: E402
from tags import CONTEXT  # noqa: E402

COMMAND_SECONDS = 30
WRAP = os.environ.get("TAGALONG_WRAP", "").split()  # valgrind, say: for what runs with the shim
SANITIZERS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")


def pytest_addoption(parser):
    parser.addoption("--bare", action="store_true", help="never load the shim: test the harness")
    parser.addoption("--seed", type=int, help="of test_differential.py: show what differs")


@dataclass
class Result:
    rc: int
    stdout: bytes
    stderr: bytes
    traffic: dict  # server name: its requests

    @property
    def requests(self):
        return self.traffic["relay"]


@pytest.fixture(scope="session")
def servers():
    """All of them, by the names that expectations use; one set for each pytest-xdist worker."""
    with ExitStack() as stack:
        enter = stack.enter_context
        found = {"relay": enter(Relay(delay_ms=1)), "other": enter(Relay(delay_ms=1))}
        found.update(proxy=enter(Proxy()), doh=enter(Doh()), smtp=enter(Smtp()))
        found["relay"].other, found["other"].other = found["other"].url, found["relay"].url
        yield found


NODE_OLDEST = 18  # which came with fetch, and with the channel that tells of it; Ubuntu 22.04 has 12


@functools.cache
def node_version():
    return int(subprocess.run(["node", "-p", "process.versions.node.split('.')[0]"], capture_output=True, check=True).stdout)


def installed(*programs, path=None):
    """Skips by the name of a program that is not there."""
    for program in programs:
        if not shutil.which(program, path=path):
            pytest.skip(f"{program} is not installed")


def need(*programs, python=(), emacs=(), r=()):
    """Skips by the name of what is not installed: programs, and libraries of /usr/bin/python3, Emacs and R."""
    installed(*programs)
    for program in programs:
        if program == "node" and node_version() < NODE_OLDEST:
            pytest.skip(f"Node {node_version()} is older than what its hook works in, {NODE_OLDEST}")
    asks = [("Python's", name, ["/usr/bin/python3", "-c", f"import {name}"]) for name in python]
    asks += [("Emacs's", name, ["emacs", "--batch", "--eval", f"(progn (package-initialize) (require '{name}))"])
             for name in emacs]
    asks += [("R's", name, ["Rscript", "--vanilla", "-e", f"library({name})"]) for name in r]
    for whose, name, ask in asks:
        if subprocess.run(ask, capture_output=True).returncode:
            pytest.skip(f"{whose} {name} is not installed")


@pytest.fixture(scope="session")
def front(servers):
    need(nginx.find(), "openssl")
    with Front({"/": servers["relay"].port, "/dns-query": servers["doh"].port}) as front:
        yield front


@pytest.fixture
def relay(servers):
    return servers["relay"]


@pytest.fixture
def other_relay(servers):
    return servers["other"]


@pytest.fixture
def proxy(servers):
    return servers["proxy"]


@pytest.fixture
def doh(servers):
    return servers["doh"]


@pytest.fixture
def smtp(servers):
    return servers["smtp"]


def clean_environment(home):
    """Nothing of the machine's: no proxies, CA bundles, agents' session ids, locale; and no run-time
    folder, where the developer's own context service may be at work."""
    kept = {name: os.environ[name] for name in SANITIZERS if name in os.environ}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "XDG_RUNTIME_DIR": "/proc/nonexistent",  # not even root can make it
        **kept,
    }


@pytest.fixture(scope="session")
def shim(request, servers, tmp_path_factory):
    """What goes into LD_PRELOAD, after it has tagged one request: a test that waits for no tags
    must not pass because nothing was loaded."""
    if request.config.getoption("--bare"):
        return None
    library = os.environ.get("TAGALONG_LIB") or str(ROOT / "build" / "libtagalong.so")
    if not Path(re.split("[: ]", library)[-1]).is_file():
        pytest.fail(f"no {library}: run make, or set TAGALONG_LIB", pytrace=False)
    environment = clean_environment(tmp_path_factory.mktemp("home")) | CONTEXT
    environment["LD_PRELOAD"] = library
    relay = servers["relay"]
    relay.reset()
    # Not curl: with a sanitizer's runtime preloaded it hangs, without the shim as well.
    script = f"init a\nurl a {relay.url}/v1/chat/completions\npost a {{}}\nperform a\n"
    subprocess.run(
        [ROOT / "build" / "fixtures" / "puppet"],
        input=script.encode(),
        env=environment,
        stdout=subprocess.DEVNULL,
        timeout=COMMAND_SECONDS,
    )
    if [r.value("X-Task-Id") for r in relay.requests] != ["T-42"]:
        pytest.fail(f"{library} does not tag a plain request", pytrace=False)
    return library


@pytest.fixture
def run(servers, shim, tmp_path):
    """run(command) -> Result. `env` replaces CONTEXT; the rest of the environment is clean, and
    the working directory is the test's own tmp_path."""

    def run(command, shim=shim, env=CONTEXT, stdin=b""):
        environment = clean_environment(tmp_path) | env
        if shim:
            environment["LD_PRELOAD"] = shim
        for server in servers.values():
            server.reset()
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            env=environment,
            cwd=tmp_path,
            timeout=COMMAND_SECONDS,
        )
        for server in servers.values():
            server.settle()
        traffic = {name: server.requests for name, server in servers.items()}
        return Result(done.returncode, done.stdout, done.stderr, traffic)

    return run


@pytest.fixture
def neutral(run, shim):
    """neutral(command, [tags, ...]) runs it without and with the shim, compares (neutral.py), and
    returns the second Result. A list of tags is for the relay; {server: list} for several."""

    def neutral(command, expect, env=CONTEXT, stdin=b"", own=None, **how):
        expect = expect if isinstance(expect, dict) else {"relay": expect}
        if own is None:
            own = own_headers(command)
        unwrapped = command[len(WRAP) :] if command[: len(WRAP)] == WRAP else command
        bare = run(unwrapped, shim=None, env=env, stdin=stdin)
        tagged = run(command, env=env, stdin=stdin)
        if shim:
            compare(bare, tagged, expect, own, **how)
        else:
            nothing = {server: [{}] * len(tags) for server, tags in expect.items()}
            compare(bare, tagged, nothing, own, **how)
            if any(tags for each in expect.values() for tags in each):
                pytest.skip("--bare: both runs are equal")
        return tagged

    return neutral


def own_headers(command):
    """The names in curl's -H options."""
    values = [after for option, after in zip(command, command[1:]) if option == "-H"]
    return [re.split("[:;]", value)[0] for value in values]
