# SPDX-License-Identifier: MIT
"""Programs that were built with a sanitizer, which brings a runtime of its own: it asks dlsym for the
real functions before anything else runs, and until then its own strlen, strcmp and the like lead
nowhere. Somebody's test suite, started in a tagged shell, has to run as ever."""

import subprocess

import pytest

from commands import CHAT
from test_bindings import ASKED, FOLDER, OWN, SANITIZED

SOURCE = FOLDER.parents[2] / "tests" / "fixtures" / "binding" / "host.c"
BUILDS = {
    "clang, address": ["clang", "-fsanitize=address"],
    "clang, memory": ["clang", "-fsanitize=memory"],
    "clang, thread": ["clang", "-fsanitize=thread"],
    "clang, undefined": ["clang", "-fsanitize=undefined"],
    # gcc's address sanitizer refuses to run behind any preload.
    "gcc, thread": ["gcc", "-fsanitize=thread"],
    "gcc, undefined": ["gcc", "-fsanitize=undefined"],
}

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's runtime is preloaded")


@pytest.fixture
def sanitized(tmp_path):
    """sanitized(build): the host of tests/fixtures/binding, built that way."""

    def sanitized(build):
        program = tmp_path / "host"
        flags = ["-w", "-g", "-DLINKED", "-D_GNU_SOURCE", "-o", program, SOURCE, "-l:libcurl.so.4"]
        subprocess.run([*BUILDS[build], *flags], check=True, capture_output=True)
        return str(program)

    return sanitized


@pytest.mark.parametrize("build", BUILDS)
def test_it_starts(neutral, sanitized, build):
    assert neutral([sanitized(build)], []).rc == 0


@pytest.mark.parametrize("build", [build for build in BUILDS if "memory" not in build])
def test_its_requests_are_tagged(neutral, relay, sanitized, build):
    # The memory sanitizer wants a libcurl that was built with it.
    command = [sanitized(build), "linked", relay.url + CHAT]
    assert neutral(command, ASKED, own=OWN).rc == 0
