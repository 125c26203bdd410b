# SPDX-License-Identifier: MIT
"""Event loops and servers as Debian has them."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

from conftest import clean_environment
from hosts import PROGRAMS, PYTHON, TAGALONG, Hosts
from tags import CONTEXT, GENERIC

SERVERS = {
    "gunicorn": ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "app:wsgi"],
    "gunicorn, preloaded": ["gunicorn", "--preload", "--bind", "127.0.0.1:{port}", "app:wsgi"],
    "gunicorn, threads": ["gunicorn", "--threads", "4", "--bind", "127.0.0.1:{port}", "app:wsgi"],
    "gunicorn, gevent": ["gunicorn", "--worker-class", "gevent", "--bind", "127.0.0.1:{port}", "app:wsgi"],
    "uvicorn": ["uvicorn", "--port", "{port}", "--log-level", "warning", "app:asgi"],
    "uvicorn, workers": ["uvicorn", "--workers", "2", "--port", "{port}", "--log-level", "warning", "app:asgi"],
}


@pytest.fixture
def hosts(servers, tmp_path):
    return Hosts(servers, tmp_path)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def pages(port, count):
    """What the server gives once it listens."""
    until = time.monotonic() + 30
    texts = []
    while len(texts) < count:
        try:
            texts.append(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20).read())
        except urllib.error.URLError:
            assert time.monotonic() < until
            time.sleep(0.05)
    return texts


@pytest.mark.parametrize("name", SERVERS)
def test_a_server(hosts, name):
    port = free_port()
    command = [word.format(port=port) for word in SERVERS[name]]
    for server in hosts.servers.values():
        server.reset()
    process = subprocess.Popen(
        [TAGALONG, "run", "--no-service", "--", *command],
        env=clean_environment(hosts.home) | CONTEXT | {"RELAY": hosts.relay.url},
        cwd=PROGRAMS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        texts = pages(port, 4)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    assert len(set(texts)) == 1 and b"through the test relay" in texts[0]
    assert len(hosts.relay.requests) == 4
    for request in hosts.relay.requests:
        assert {name: request.value(name) for name in GENERIC if name[:2] != "tr" and name != "X-Request-Id"} == {
            name: GENERIC[name] for name in GENERIC if name[:2] != "tr" and name != "X-Request-Id"
        }


LOOPS = {
    "trio": """
import sys, httpx, trio
async def post(client):
    print((await client.post(sys.argv[1] + "/v1/messages", json={})).status_code)
async def main():
    async with httpx.AsyncClient() as client, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(post, client)
trio.run(main)
""",
    "gevent": """
from gevent import monkey, pool
monkey.patch_all()
import sys, requests
print([*pool.Pool(5).map(lambda _: requests.post(sys.argv[1] + "/v1/messages", json={}).status_code, range(5))])
""",
    "asyncio, many at once": """
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        async def post():
            async with session.post(sys.argv[1] + "/v1/messages", json={}) as answer:
                return answer.status
        print(await asyncio.gather(*(post() for _ in range(5))))
asyncio.run(main())
""",
    "asyncio, cancelled": """
import asyncio, sys, httpx
async def main():
    async with httpx.AsyncClient() as client:
        task = asyncio.create_task(client.post(sys.argv[1] + "/switch/slow-2000/v1/messages", json={}))
        await asyncio.sleep(0.5)
        task.cancel()
        print(await asyncio.gather(task, return_exceptions=True))
        for _ in range(4):
            print((await client.post(sys.argv[1] + "/v1/messages", json={})).status_code)
asyncio.run(main())
""",
}


@pytest.mark.parametrize("name", LOOPS)
def test_an_event_loop(hosts, name):
    file = hosts.home / "program.py"
    file.write_text(LOOPS[name])
    result = hosts.both([PYTHON, file, hosts.relay.url], [GENERIC] * 5)
    assert result.rc == 0, result.stderr
