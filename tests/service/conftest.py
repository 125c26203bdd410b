# SPDX-License-Identifier: MIT
"""Tests of the context service over its socket. TAGALONG_WRAP=valgrind runs it under a tool."""

import sys
from pathlib import Path

import pytest

import grants

sys.path.insert(0, str(Path(__file__).resolve().parent))

from serving import Process, Service  # noqa: E402


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


needs_root = pytest.mark.skipif(**grants.other_users)
needs_namespace = pytest.mark.skipif(**grants.pid_namespace)
