# SPDX-License-Identifier: MIT
"""Known traps (docs/internals.md) that need a host program of their own: tests/fixtures/traps.c."""

import shutil

import pytest

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


UNSEEN = CONTEXT | {"TAGALONG_HOOKS": "libcurl"}  # what is asked for by name is libcurl's own then


@pytest.mark.parametrize("mode", ["copy", "copy-bare", "copy-now"])
def test_dup_by_libcurl_itself(neutral, relay, mode):
    """For an HTTP/2 push libcurl copies a handle in flight, by calls that are not seen everywhere."""
    neutral([*TRAPS, mode, relay.url + CHAT], [GENERIC, PLAIN], own=["X-Own"], env=UNSEEN)


@pytest.mark.parametrize("mode", ["copy", "copy-bare", "copy-now"])
def test_an_unseen_copy_reads_no_freed_memory(run, relay, shim, mode):
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    valgrind = ["valgrind", "-q", "--error-exitcode=99", f"--suppressions={ROOT}/tests/valgrind.supp"]
    result = run([*valgrind, TRAPS[-1], mode, relay.url + CHAT], env=UNSEEN)
    assert (result.rc, result.stdout, len(result.requests)) == (0, b"0\n0\n", 2), result.stderr


def test_an_unseen_copy_gets_no_other_handles_lines(run, relay, shim):
    result = run([*TRAPS, "copy-reused", relay.url + CHAT], env=UNSEEN)
    assert (result.rc, len(result.requests)) == (0, 602)
    if shim:
        last = result.requests[-1]
        assert (last.value("X-Others"), last.value("X-Task-Id")) == (None, None)
