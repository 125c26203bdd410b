# SPDX-License-Identifier: MIT
"""Known traps (docs/internals.md) that need a host program of their own: tests/fixtures/traps.c."""

from commands import CHAT
from conftest import ROOT, WRAP
from tags import CONTEXT, GENERIC, PLAIN

TRAPS = [*WRAP, str(ROOT / "build" / "fixtures" / "traps")]


def test_setenv_beside_requests(run, relay, shim):
    result = run([*TRAPS, "setenv", relay.url + CHAT])
    assert (result.rc, result.stdout, len(result.requests)) == (0, b"0 failed\n", 200)
    if shim:
        assert {request.value("X-Task-Id") for request in result.requests} == {"T-42", "T-43"}


def test_custom_allocators(neutral, relay):
    result = neutral([*TRAPS, "allocators", relay.url + CHAT], [GENERIC] * 2, own=["X-Own"])
    assert result.stdout.endswith(b"\n0 blocks are left\n")


def test_dup_by_libcurl_itself(neutral, relay):
    """For an HTTP/2 push libcurl copies a handle in flight, by calls that are not seen everywhere."""
    env = CONTEXT | {"TAGALONG_HOOKS": "libcurl"}
    neutral([*TRAPS, "copy", relay.url + CHAT], [GENERIC, PLAIN], own=["X-Own"], env=env)
