# SPDX-License-Identifier: MIT
"""Threads, children, and longjmp (tests/fixtures/threads.c, jump.c).

What is asserted: each request has the lines of the thread that sent it and ours once, every call
returns what it returns without the shim, and nothing hangs. `make test-tsan` runs this file over
ThreadSanitizer; by hand:

    make MODE=tsan all && TSAN_OPTIONS=halt_on_error=1 \\
    TAGALONG_LIB=$(cc -print-file-name=libtsan.so):$PWD/build/tsan/libtagalong.so \\
    pytest tests/e2e/test_threads.py
"""

from pathlib import Path

import pytest

from commands import CHAT
from tags import GENERIC, LIBCURL, PLAIN, request_id
from test_bindings import FOLDER, SANITIZED
from test_handles import PUPPET

FIXTURES = Path(PUPPET[0]).parent
OWN = ["Authorization", "X-Turn"]


@pytest.fixture
def threads(neutral, relay):
    def threads(mode, expect, *more, own=OWN, **how):
        command = [str(FIXTURES / "threads"), mode, relay.url + CHAT, *more]
        result = neutral(command, expect, own=own, **how)
        assert result.rc == 0, result.stderr
        for request in result.requests:
            assert request.value("X-Turn", "").encode() == request.body
        # Nothing of one transfer's is in another's.
        assert len({request_id(request) for request in result.requests}) == len(expect)
        return result

    return threads


def test_sixteen_threads(threads):
    result = threads("storm", [GENERIC] * 160, unordered=True)
    assert result.stdout == b"0 failed\n" * 16


def test_handles_move_between_threads(threads):
    threads("pass", [GENERIC] * 48, unordered=True)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's runtime alone hangs in fork beside threads")
def test_fork_between_any_two_calls(threads):
    # Five children a round, three of them with the parent's handle; two transfers of the parent's.
    result = threads("fork", [GENERIC] * 5 * 10, unordered=True, one_trace=False)
    assert result.stdout.count(b"child 0\n") == 25


def test_vfork_and_exec(neutral, relay):
    command = [str(FIXTURES / "threads"), "spawn", relay.url + CHAT]
    program = [str(FOLDER / "host-linked"), "linked", relay.url + CHAT]  # three requests
    own = ["Authorization", "X-Turn", "X-Own"]
    result = neutral(command + program, [GENERIC] * (8 * 3 + 2), own=own, one_trace=False)
    assert result.stdout.count(b"program 0\n") == 8


CALLBACKS = {  # name: whether the request was sent by then
    "write": True,
    "header": True,
    "read": LIBCURL < (8, 7),  # then head and body go out together
    "xferinfo": False,
    "debug": False,
    "prereq": False,
    "sockopt": False,
    "opensocket": False,
    "resolverstart": False,
}


@pytest.mark.parametrize("how", ["easy", "multi"])
@pytest.mark.parametrize("callback", CALLBACKS)
def test_longjmp_out_of(neutral, relay, callback, how):
    command = [str(FIXTURES / "jump"), callback, how, relay.url + CHAT]
    sent = [GENERIC] if CALLBACKS[callback] else []
    # What was left in the middle is recorded when its connection ends.
    result = neutral(command, sent + [GENERIC] * 2, own=["X-Own"], unordered=True)
    assert result.stdout.startswith(b"jumped\n")


def test_plain_requests_of_threads_stay_plain(neutral, relay):
    command = [str(FIXTURES / "threads"), "storm", relay.url + "/v1/models"]
    neutral(command, [PLAIN] * 160, own=OWN, unordered=True)
