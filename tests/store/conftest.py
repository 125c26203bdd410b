# SPDX-License-Identifier: MIT
"""The shared store, against a real redis-server and two or more services that name it."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "service"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from redis_server import Server  # noqa: E402
from serving import Process, Service  # noqa: E402


def pytest_collection_modifyitems(items):
    if not shutil.which("redis-server"):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="redis-server is not installed"))


@pytest.fixture
def server():
    server = Server()
    yield server.start()
    server.release()


@pytest.fixture
def make():
    """make(url or server, **how): one more service, started unless start=False."""
    made = []

    def one(store, start=True, **how):
        service = Service()
        made.append(service)
        service.url = getattr(store, "url", store)
        return service.start("--store", service.url, **how) if start else service

    yield one
    for each in made:
        each.release()


@pytest.fixture
def pair(server, make):
    """Two machines, as far as they know."""
    return make(server), make(server)


@pytest.fixture
def process():
    made = []

    def one(service, **how):
        made.append(Process(service, **how))
        return made[-1]

    yield one
    for each in made:
        each.end()
