# SPDX-License-Identifier: MIT
"""Tests of the context service over its socket. TAGALONG_WRAP=valgrind runs it under a tool."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import grants

sys.path.insert(0, str(Path(__file__).resolve().parent))

from serving import TAGALONG, WRAP, Process, Service  # noqa: E402


@pytest.fixture
def cold():
    """A service that is not started yet."""
    service = Service()
    yield service
    service.release()


@pytest.fixture
def service(cold):
    return cold.start()


@pytest.fixture
def peer(service):
    with service.connect() as peer:
        yield peer


@pytest.fixture
def process(cold):
    """process(token=None): a new one beside this one."""
    made = []

    def make(**how):
        made.append(Process(cold, **how))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def everybodys():
    """The program where every user may run it: a copy, when the tree is in root's own folder."""
    enter = ["setpriv", "--reuid", "65534", "--clear-groups", "test", "-x", TAGALONG]
    if subprocess.run(enter).returncode == 0:
        yield TAGALONG
        return
    if WRAP:
        pytest.skip("the tool cannot read its files in root's own folder as another user")
    with tempfile.TemporaryDirectory(prefix="tagalong-") as folder:
        Path(folder).chmod(0o755)
        shutil.copy(TAGALONG + "-tools", folder)
        yield shutil.copy(TAGALONG, folder)


needs_other_users = pytest.mark.skipif(**grants.other_users)
needs_process_numbers = pytest.mark.skipif(**grants.process_numbers)
needs_namespace = pytest.mark.skipif(**grants.pid_namespace)
