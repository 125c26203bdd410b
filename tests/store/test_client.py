# SPDX-License-Identifier: MIT
"""An unmodified program that runs on one machine has in each request what was set on another one."""

import http.server
import subprocess
import threading
import time
from pathlib import Path

import pytest

from machines import Chat
from serving import LIBRARY, TOOLED, wait_until

CHAT = """
import sys, pycurl
handle = pycurl.Curl()
handle.setopt(pycurl.URL, sys.argv[1] + "/v1/chat/completions")
handle.setopt(pycurl.POSTFIELDS, "{}")
handle.setopt(pycurl.WRITEFUNCTION, lambda data: None)
print("ready", flush=True)
for line in sys.stdin:
    handle.perform()
    print("done", flush=True)
"""


@pytest.fixture
def relay():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers.get("X-Task-Id"))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    seen = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.url = seen, f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.mark.skipif(TOOLED, reason="a sanitizer's runtime does not load into Python")
def test_a_running_client(pair, relay):
    """Its handle, its connection and its page live on; nobody asks, and the value is the new one."""
    here, there = pair
    with here.connect() as peer:
        peer.op("open", scope={"name": "ci-5"}, context={"task_id": "0"})
        chat = subprocess.Popen(
            ["/usr/bin/python3", "-c", CHAT, relay.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=there.environment(LD_PRELOAD=LIBRARY, TAGALONG_SCOPE="ci-5"),
        )
        try:
            assert chat.stdout.readline() == "ready\n"
            with there.connect() as known:
                assert known.context(scope={"name": "ci-5"}) == {"task_id": "0"}
            for i in range(1, 100):
                peer.op("set", scope={"name": "ci-5"}, context={"task_id": str(i)})
                time.sleep(0.03)  # the bound, on a busy machine
                chat.stdin.write("\n")
                chat.stdin.flush()
                assert chat.stdout.readline() == "done\n"
        finally:
            chat.kill()
            chat.wait()
            chat.stdin.close()
            chat.stdout.close()
    assert relay.seen == [str(i) for i in range(1, 100)]


@pytest.mark.skipif(TOOLED, reason="a sanitizer's runtime does not load into Python")
def test_a_disk_that_hangs(make, tmp_path):
    """Each write of the service's file takes 1.5 seconds: a set waits for them, requests do not, neither
    of a client that runs nor of one that begins meanwhile: both read what is shown."""
    service = make("file:")
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
        known = Chat(service, pause=0.01)
        wait_until(lambda: known.latest(time.monotonic())[2] == "T-1")
        slow = subprocess.Popen(["strace", "-f", "-qq", "-o", tmp_path / "trace", "-p", str(service.process.pid), "-e",
                                 "trace=pwrite64", "-e", "inject=pwrite64:delay_enter=1500000"])
        wait_until(lambda: "TracerPid:\t0" not in Path(f"/proc/{service.process.pid}/status").read_text())
        since = time.monotonic()
        peer.send({"v": 1, "op": "set", "context": {"task_id": "T-2"}})
        begun = Chat(service, pause=0.01)
        first = begun.latest(since)
        reply = peer.reply()
        waited = time.monotonic() - since
        slow.terminate()
        slow.wait()
        requests = known.requests(since)
        until = [request for request in requests if request[0] < since + 1.5]
        assert reply["ok"] and waited > 1.5
        assert {task for _, _, task in until} == {"T-1"} and len(until) > 20
        assert max(took for _, took, _ in requests) < 0.5
        assert first[2] == "T-1" and first[0] < since + waited and first[1] < 0.5
        assert known.latest(time.monotonic())[2] == "T-2"
        wait_until(lambda: begun.latest(time.monotonic())[2] == "T-2")
        for chat in (known, begun):
            chat.end()
