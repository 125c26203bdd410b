# SPDX-License-Identifier: MIT
"""A host that was built with a sanitizer: its runtime takes over allocation, threads and fork, and reports
on stderr what it sees of us."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hosts import host  # noqa: E402
from tags import CONTEXT  # noqa: E402

RUN = str(Path(__file__).parents[2] / "scripts" / "tagalong-run")
BUILDS = {
    "gcc address": ["gcc", "-fsanitize=address"],
    "gcc address, static runtime": ["gcc", "-fsanitize=address", "-static-libasan"],
    "gcc thread": ["gcc", "-fsanitize=thread"],
    "gcc thread, static runtime": ["gcc", "-fsanitize=thread", "-static-libtsan"],
    "gcc leak": ["gcc", "-fsanitize=leak"],
    "gcc undefined": ["gcc", "-fsanitize=undefined"],
    "clang address": ["clang", "-fsanitize=address"],
    "clang thread": ["clang", "-fsanitize=thread"],
    "clang leak": ["clang", "-fsanitize=leak"],
    "clang undefined": ["clang", "-fsanitize=undefined"],
    "clang memory": ["clang", "-fsanitize=memory", "-fsanitize-recover=memory"],
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_host_with_a_sanitizer(run, relay, other_relay, shim, build):
    command = [host("ordinary", compiler=BUILDS[build]), relay.url, other_relay.url]
    env = CONTEXT | {"TAGALONG_RELAYS": relay.url}
    if build == "clang memory":  # which reports on every library that is not built with it
        env |= {"MSAN_OPTIONS": "exit_code=0:halt_on_error=0"}
    bare = run(command, shim=None, env=env)
    assert bare.rc == 0, bare.stderr
    if build == "gcc address":  # it has to be told that another library may come first, as the launchers do
        assert b"does not come first" in run(command, env=env).stderr
        command = [RUN, *command]
        shim = None
    result = run(command, env=env, shim=shim)
    assert (result.rc, result.stdout) == (0, bare.stdout), result.stderr
    if build != "clang memory":
        assert not re.search(rb"libtagalong|shim/(lib|core|protocol|preload)/", result.stderr)
    if build != "clang memory":
        assert result.stderr == bare.stderr == b""
    tasks = [r.value("X-Task-Id") for r in result.traffic["relay"]]
    assert sorted(tasks, key=str) == sorted(["T-42"] * 2 + ["T-43"] * 9 + [None], key=str)
    assert [r.value("X-Task-Id") for r in result.traffic["other"]] == [None]


def test_the_users_own_options_stay(run):
    show = ["sh", "-c", 'echo "$ASAN_OPTIONS"']
    for before, after in (("", "verify_asan_link_order=0"), ("a=b", "a=b:verify_asan_link_order=0"),
                          ("verify_asan_link_order=1", "verify_asan_link_order=1")):
        for launcher in ([RUN], [str(Path(RUN).parents[1] / "build" / "tagalong"), "run", "--no-service"]):
            result = run([*launcher, *show], shim=None, env={"ASAN_OPTIONS": before})
            assert result.stdout.decode() == after + "\n"
