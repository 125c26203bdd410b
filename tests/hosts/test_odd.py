# SPDX-License-Identifier: MIT
"""Hosts that use processes, callbacks, signals, limits and the ends of things as few do (odd.c), with the
shim and without it."""

import re
import sys
from pathlib import Path

import pytest

import grants

sys.path.insert(0, str(Path(__file__).parent))

import faulty  # noqa: E402
from hosts import host  # noqa: E402
from neutral import compare  # noqa: E402
from tags import COMPUTED, CONTEXT, GENERIC, PLAIN  # noqa: E402

ROOT = {"chroot after start": grants.chroot, "another user": grants.other_users}
# Or a signal decides whether a connection is used again: so it is without the shim, too.
UNORDERED = {"one list on many handles", "sockets", "request at fork", "fork in a callback, and go on", "signals",
             "signals, restarted"}
# What a request to the relay is to get, where that is not GENERIC.
TAGS = {
    "environ is NULL": COMPUTED,
    "clearenv": COMPUTED,
    "an environment of its own": {"X-Task-Id": "T-43", "X-Session-Id": "T-43", **COMPUTED},
}
MODES = [
    "clone with memory", "clone with memory, own descriptors", "clone before any request", "raw fork",
    "perform in a callback", "multi in a callback", "fork in a callback", "fork in a callback, and go on",
    "list is NULL in a callback", "list is changed in a callback", "a copy in a callback", "pthread_exit in a callback",
    "the thread ends in a callback", "exit in a callback", "cleanup of another in a callback",
    "prereq: no callback any more", "prereq: another list", "prereq: another request", "prereq: a copy", "prereq: fork",
    "prereq: abort", "prereq: body",
    "list freed after perform", "list freed before it is removed", "a chain of copies", "lines of every kind",
    "three thousand lines", "error buffer is gone", "one list on many handles", "global cleanup in between", "share",
    "sockets", "signals", "signals, restarted", "gives up by siglongjmp", "signal stack of 16384",
    "no descriptor more than libcurl needs", "no locked memory", "all memory is locked", "small stack limit",
    "chroot after start", "the working folder is gone", "another user", "not dumpable", "environ is NULL", "clearenv",
    "an environment of its own", "all signals blocked", "SIGCHLD is ignored", "umask 777",
    "request at exit", "request at the end of a thread", "request at fork", "nothings",
]  # fmt: skip


@pytest.fixture
def odd(run, relay, other_relay):
    def odd(mode, tags, env):
        if mode in ROOT and ROOT[mode]["condition"]:
            pytest.skip(ROOT[mode]["reason"])
        command = [*(grants.UNSHARE if mode == "chroot after start" else ()), host("odd"), mode, relay.url, other_relay.url]
        env = {"TAGALONG_RELAYS": relay.url} | env
        bare, ours = (run(command, env=env, **how) for how in ({"shim": None}, {}))
        assert bare.rc >= 0 and bare.requests
        expect = {"relay": [tags] * len(bare.requests), "other": [PLAIN] * len(bare.traffic["other"])}
        own = ["X-Own", "X-Turn", "X-Own-Too"]
        compare(bare, ours, expect, own, unordered=mode in UNORDERED, one_trace=False)

    return odd


@pytest.mark.parametrize("mode", MODES)
def test_odd(odd, mode):
    odd(mode, TAGS.get(mode, GENERIC), CONTEXT)


@pytest.mark.parametrize("mode", ["clone with memory", "raw fork", "fork in a callback", "multi in a callback", "prereq: fork",
                                  "signals", "signal stack of 16384", "all memory is locked", "request at fork"])
def test_odd_with_a_service(odd, tmp_path, mode):
    env = {name: value for name, value in CONTEXT.items() if name != "TAGALONG_TASK_ID"}
    with faulty.faulty("good", tmp_path) as service:
        odd(mode, {**GENERIC, "X-Task-Id": "LIVE"}, env | service.environment)


def test_a_variable_that_is_unmapped(odd, tmp_path):
    with faulty.faulty("hangs", tmp_path) as service:
        tags = {**GENERIC, "X-Task-Id": re.compile("T-4[12]")}
        odd("a variable that is unmapped", tags, CONTEXT | service.environment)
